import Scheduling
import Tasks

/// How passes end.
extension World {
    /// Ends a pass, unless its end has moved since this one was announced.
    mutating func release(_ engine: Int, version: UInt32) {
        guard let running = fleet.passes[engine], running.version == version,
            let model = models[running.work.model]
        else { return }
        let resident = running.mode == .full ? model.weightBytes : 0
        guard let (pass, ends) = fleet.release(engine, residentBytes: resident, at: now) else { return }
        announce(ends)
        let device = fleet.device(of: engine)
        let group = fleet.groups[device]
        let seconds = pass.times.deviceSeconds(isWarm: pass.isWarm)
        charge(pass, seconds: seconds, to: &tally)
        tally.devices[group].generations += pass.generations.count
        learn(from: pass, model, on: fleet.devices[device].kind)
        for id in pass.generations { finish(id, of: pass) }
    }

    private mutating func finish(_ id: GenerationID, of pass: SimulatedFleet.Pass) {
        queue.settle(id, actual: (now - pass.started) / Double(pass.generations.count))
        guard let record = records.removeValue(forKey: id) else { return }
        let end = now + pass.times.write
        let ask = record.ask
        tally.groups[ask.group].counts.finished += 1
        if record.isDegraded { tally.groups[ask.group].counts.degraded += 1 }
        if pass.generations.count > 1 { tally.groups[ask.group].counts.batched += 1 }
        for one in [Joined(ask: ask, time: record.time)] + record.joined {
            tally.addAnswer(end - one.time, of: one.ask.group, askedAt: one.time)
            again(one.ask.tenant, after: pass.times.write)
        }
        guard let prompt = ask.prompt else { return }
        prompts[PromptKey(group: ask.group, prompt: prompt, isDegradable: ask.isDegradable)] = nil
        // What was made smaller answers nobody who might get the whole.
        if !record.isDegraded {
            prompts[PromptKey(group: ask.group, prompt: prompt, isDegradable: false)] = .finished
        }
    }

    private mutating func learn(from pass: SimulatedFleet.Pass, _ model: ModelFacts, on kind: DeviceKind) {
        // Engines that share a device see each other's work as slowness.
        let own = pass.times.deviceSeconds(isWarm: pass.isWarm)
        let slowness = own > 0 ? (now - pass.started) / own : 1
        costs.learn(
            CostObservation(
                work: pass.work,
                model: model,
                mode: pass.mode,
                kind: kind,
                rows: pass.generations.count,
                steps: pass.times.steps,
                load: pass.isWarm ? nil : pass.times.load * slowness,
                encode: pass.times.encode * slowness,
                denoise: pass.times.perStep * Double(pass.times.steps) * slowness,
                decode: pass.times.decode / Double(pass.generations.count) * slowness,
                write: pass.times.write
            )
        )
        appraisals = [:]
    }
}
