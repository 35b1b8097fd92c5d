import Scheduling
import Tasks

/// What becomes of a request.
extension World {
    /// How long a client takes to see an answer that was there at once, and to ask again.
    private static let turnSeconds = 0.1
    /// How long a forecast is good for; the server's own.
    private static let forecastSeconds = 2.0
    /// Generations that wait, from which a forecast tells how fast the devices are.
    private static let forecastSamples = 16
    /// Works of which an appraisal is kept.
    private static let appraisalLimit = 1000

    /// Takes a request: from the cache, to one in flight, into the queue, or not at all.
    mutating func submit(_ ask: Traffic.Ask) {
        tally.groups[ask.group].counts.requests += 1
        if ask.isRepeat {
            answerAtOnce(ask)
            return
        }
        if let state = known(ask) {
            switch state {
            case .finished: answerAtOnce(ask)
            case .inFlight(let id):
                tally.groups[ask.group].counts.coalesced += 1
                records[id]?.joined.append(Joined(ask: ask, time: now))
            }
            return
        }
        let work = scenario.traffic[ask.group].shapes[ask.shape].work
        guard let appraisal = models[work.model].map({ appraise(work, $0) }), appraisal.memoryBytes <= fleet.mostMemory
        else {
            tally.groups[ask.group].counts.impossible += 1
            // Who is told so asks for something else.
            again(ask.tenant, after: Self.turnSeconds)
            return
        }
        switch decide(on: ask) {
        case .accept: enqueue(ask, work, cost: appraisal.cost, memoryBytes: appraisal.memoryBytes)
        case .refuse(let code, let retryAfter):
            switch code {
            case .queueFull: tally.groups[ask.group].counts.refusedQueueFull += 1
            case .waitTooLong: tally.groups[ask.group].counts.refusedWaitTooLong += 1
            }
            again(ask.tenant, after: retryAfter.inSeconds)
        }
    }

    /// Has a tenant that waits for answers ask again.
    mutating func again(_ tenant: Int, after seconds: Double) {
        guard let think = traffic.thinkSeconds(of: tenant) else { return }
        add(.ask(tenant: tenant), after: max(think, seconds))
    }

    /// Counts requests that found their video finished, and were not looked at one by one.
    mutating func countHits(_ hits: Int, of group: Int) {
        guard hits > 0 else { return }
        traffic.skip(hits, of: group)
        tally.groups[group].counts.requests += hits
        tally.groups[group].counts.cacheHits += hits
        tally.addAnswer(0, of: group, askedAt: now, count: hits)
    }

    private mutating func answerAtOnce(_ ask: Traffic.Ask) {
        tally.groups[ask.group].counts.cacheHits += 1
        tally.addAnswer(0, of: ask.group, askedAt: now)
        again(ask.tenant, after: Self.turnSeconds)
    }

    /// Whether the video is there or being made.
    ///
    /// What may be degraded is also answered by the whole.
    private func known(_ ask: Traffic.Ask) -> Prompt? {
        guard let prompt = ask.prompt else { return nil }
        let whole = prompts[PromptKey(group: ask.group, prompt: prompt, isDegradable: false)]
        guard whole == nil, ask.isDegradable else { return whole }
        return prompts[PromptKey(group: ask.group, prompt: prompt, isDegradable: true)]
    }

    private mutating func decide(on ask: Traffic.Ask) -> AdmissionPolicy.Decision {
        let policy = scenario.settings.admission
        let count = queue.count
        var wait: Double?
        // To know it costs a look at every tenant, and where nobody asks, none is needed.
        if policy.maxWait != nil || count >= policy.maxWaiting {
            let group = scenario.traffic[ask.group]
            let ahead = queue.ahead(
                of: traffic.names[ask.tenant],
                weight: group.weight,
                priority: group.priority.rank,
                at: stamp
            )
            wait = self.wait(behind: ahead)
        }
        return policy.decide(count: count, predictedWait: wait)
    }

    private mutating func enqueue(_ ask: Traffic.Ask, _ work: Work, cost: Double, memoryBytes: Int64) {
        accepted += 1
        let id = GenerationID(rawValue: accepted)
        let group = scenario.traffic[ask.group]
        tally.groups[ask.group].counts.generations += 1
        records[id] = Record(ask: ask, time: now)
        if let prompt = ask.prompt {
            prompts[PromptKey(group: ask.group, prompt: prompt, isDegradable: ask.isDegradable)] = .inFlight(id)
        }
        queue.insert(
            WaitingGeneration(
                id: id,
                tenant: traffic.names[ask.tenant],
                weight: group.weight,
                priority: group.priority.rank,
                lane: Lane(model: work.model, memoryBytes: memoryBytes),
                cost: cost,
                work: work,
                batchKey: ask.isDeterministic || scenario.settings.batch.size <= 1 ? nil : "\(work)",
                degradation: ask.isDegradable ? group.floor : nil,
                since: stamp
            )
        )
    }

    /// Predicted seconds until something would start that has so much before it.
    ///
    /// - Parameter seconds: of device time on the reference device.
    /// - Returns: `nil` if nothing is known.
    mutating func wait(behind seconds: Double) -> Double? {
        if forecast.map({ now - $0.time >= Self.forecastSeconds }) ?? true {
            let made = Forecast(
                order: queue.order(limit: Self.forecastSamples, at: stamp),
                devices: fleet.devices,
                models: models,
                costs: costs,
                memory: memory,
                reference: reference,
                now: now
            )
            forecast = (now, made)
        }
        return forecast?.forecast.start(behind: seconds).map { max(0, $0 - now) }
    }

    /// What a work is predicted to cost on the reference device, and the least memory it needs; as the server does it.
    private mutating func appraise(_ work: Work, _ model: ModelFacts) -> (cost: Double, memoryBytes: Int64) {
        if let known = appraisals[work] { return known }
        let appraisal = (costs.cost(of: work, model: model, on: reference), memory.leastMemory(for: work, model: model))
        if appraisals.count >= Self.appraisalLimit { appraisals = [:] }
        appraisals[work] = appraisal
        return appraisal
    }
}
