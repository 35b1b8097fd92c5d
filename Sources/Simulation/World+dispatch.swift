import Foundation
import Scheduling
import Tasks

/// What starts, and where: what the dispatcher does in the server.
extension World {
    /// Placement is asked about the free devices alone where there are so many times as many in all.
    private static let shortcutShare = 4

    var settings: SchedulingSettings { scenario.settings }

    // MARK: Start

    /// Starts whatever can start now.
    mutating func dispatch() {
        guard queue.count > 0, fleet.hasOpenEngines else { return }
        /// Lanes whose head waits for others to share its pass with, and until when.
        var held: [Lane: Double] = [:]
        while queue.count > 0 {
            let heads = queue.heads(at: stamp).filter { held[$0.lane] == nil }
            let step = nextStep(heads)
            switch step {
            case .assign(let assignment):
                guard let head = heads.first(where: { $0.id == assignment.generation }) else { return }
                let plan = plan(for: head)
                switch companions(of: head, plan, assignment) {
                case .wait(let until): held[head.lane] = until
                case .start(let ids): start(ids, plan: plan, assignment)
                }
                if !fleet.hasOpenEngines { return look(at: held.values.min()) }
            case .wake(let engine): wake(engine)
            case .park(let engine): fleet.park(engine)
            case .nothing(let until):
                return look(at: [until, held.values.min()].compactMap { $0 }.min())
            }
        }
        look(at: held.values.min())
    }

    /// What placement says.
    ///
    /// Where few of many devices are free, it is first asked about those alone. What it then does for the first head is what
    /// it would do in sight of all devices: nothing comes before the first head, and devices that work count only for what
    /// comes after it, or fits nowhere else.
    mutating func nextStep(_ heads: [WaitingGeneration]) -> PlacementStep {
        if let first = heads.first, Self.shortcutShare * fleet.openDevices.count < fleet.devices.count,
            let model = models[first.work.model]
        {
            let open = fleet.openDevices.map { fleet.devices[$0] }
            var nothing: Reservation?
            let step = next(heads: [first], devices: open, reserved: &nothing)
            if case .assign(let assignment) = step {
                let capacity = fleet.devices[fleet.device(of: assignment.engine)].totalBytes
                if capacity >= first.lane.memoryBytes,
                    memory.mode(for: first.work, model: model, capacity: capacity) != nil
                {
                    reservation = nil
                    return step
                }
            }
        }
        return next(heads: heads, devices: fleet.devices, reserved: &reservation)
    }

    private func next(
        heads: [WaitingGeneration],
        devices: [DeviceView],
        reserved: inout Reservation?
    ) -> PlacementStep {
        settings.placement.next(
            heads: heads,
            devices: devices,
            models: models,
            costs: costs,
            memory: memory,
            reserved: &reserved,
            now: now
        )
    }

    /// Looks again at a moment, if nothing makes it look earlier.
    private mutating func look(at time: Double?) {
        guard let time, time > now, time < nextLook else { return }
        nextLook = time
        events.add(.look, at: time)
    }

    /// What is made of a generation now that it starts.
    private mutating func plan(for head: WaitingGeneration) -> AttemptPlan {
        guard head.degradation != nil else { return head.plan }
        let limits = DegradationPolicy.Limits(model: PublishedModels.limits, stepCache: Set(StepCacheLevel.allCases))
        let wait = self.wait(behind: queue.cost) ?? .infinity
        return settings.degradation.plan(for: head, wait: wait, limits: limits) ?? head.plan
    }

    /// Who shares the pass of a head.
    private func companions(
        of head: WaitingGeneration,
        _ plan: AttemptPlan,
        _ assignment: Assignment
    ) -> BatchPolicy.Decision {
        guard settings.batch.size > 1, head.batchKey != nil, let model = models[head.work.model] else {
            return .start([head.id])
        }
        let others = queue.companions(of: head.id, limit: settings.batch.size - 1, at: stamp)
        let device = fleet.devices[fleet.device(of: assignment.engine)]
        let capacity = device.availableBytes(forEngineAt: fleet.position(of: assignment.engine))
        return settings.batch.decide(
            head: head,
            companions: others.filter { DegradationPolicy.allows(plan, for: $0) },
            waited: now - Double(head.since.milliseconds) / 1000,
            now: now,
            fits: { rows in
                let peak = memory.peakBytes(head.work, model: model, mode: assignment.mode, rows: rows)
                return peak.map { $0 <= capacity } ?? true
            }
        )
    }

    private mutating func start(_ ids: [GenerationID], plan: AttemptPlan, _ assignment: Assignment) {
        let taken = ids.compactMap { queue.take($0, at: stamp) }
        guard let first = taken.first, let model = models[first.work.model] else { return }
        let work = first.work.reduced(by: plan)
        let device = fleet.device(of: assignment.engine)
        for generation in taken {
            guard let record = records[generation.id] else { continue }
            tally.addWait(now - record.time, of: record.ask.group, askedAt: record.time)
            records[generation.id]?.isDegraded = work != first.work
        }
        var assignment = assignment
        if taken.count > 1 {
            let peak = memory.peakBytes(work, model: model, mode: assignment.mode, rows: taken.count)
            assignment.bytes = max(assignment.bytes, peak ?? 0)
        }
        let kind = fleet.devices[device].kind
        let warm = fleet.view(of: assignment.engine).warm
        let isWarm = warm == Warm(model: work.model, loras: work.loras)
        if work != first.work || taken.count > 1 {
            let predicted = costs.estimate(work, model: model, mode: assignment.mode, on: kind, rows: taken.count)
            assignment.seconds = predicted.deviceSeconds(isWarm: isWarm)
        }
        if !isWarm { tally.devices[fleet.groups[device]].loads += 1 }
        let times = realTimes(of: work, model, assignment.mode, kind, rows: taken.count, group: fleet.groups[device])
        let pass = SimulatedFleet.Pass(
            generations: taken.map(\.id),
            work: work,
            mode: assignment.mode,
            times: times,
            isWarm: isWarm,
            started: now,
            remaining: times.deviceSeconds(isWarm: isWarm),
            updated: now,
            version: 0
        )
        announce(fleet.begin(pass, on: assignment.engine, as: assignment, at: now))
    }

    /// What a pass really takes.
    private mutating func realTimes(
        of work: Work,
        _ model: ModelFacts,
        _ mode: MemoryMode,
        _ kind: DeviceKind,
        rows: Int,
        group: Int
    ) -> CostEstimate {
        var times = truth.estimate(work, model: model, mode: mode, on: kind, rows: rows)
        let noise = scenario.noise > 0 ? exp(scenario.noise * random.normal()) : 1
        let factor = noise / scenario.fleet[group].speed
        times.load *= factor
        times.encode *= factor
        times.perStep *= factor
        times.decode *= factor
        return times
    }

    mutating func announce(_ ends: [SimulatedFleet.End]) {
        for end in ends { events.add(.released(engine: end.engine, version: end.version), at: end.time) }
    }
}

extension Work {
    /// What is made of it by a plan.
    fileprivate func reduced(by plan: AttemptPlan) -> Work {
        var work = self
        work.steps = plan.steps ?? steps
        work.stepCache = plan.stepCache ?? stepCache
        work.shape = plan.shape ?? shape
        return work
    }
}
