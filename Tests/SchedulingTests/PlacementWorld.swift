import Tasks

@testable import Scheduling

/// A fleet under a virtual clock: the queue's order and the policy's placement, with times that are not quite as predicted.
struct PlacementWorld {
    /// Something that is going to be asked for.
    struct Request {
        var time: Double
        var tenant: String
        var work: Work
        var priority = 0
    }

    /// What became of one.
    struct Outcome: Equatable {
        var submitted: Double
        var start: Double
        var end: Double
        var engine: Int
        var seconds: Double
        /// What was predicted when it was submitted.
        var predictedEnd: Double?
    }

    /// An assertion that did not hold.
    struct Fault: Error, CustomStringConvertible {
        var description: String
    }

    private enum Event {
        case request(Request)
        case end(engine: Int)
        case up(engine: Int)
    }

    private struct Running {
        var id: GenerationID
        var device: Int
        var work: Work
        var mode: MemoryMode
    }

    var devices: [DeviceView]
    let models: [String: ModelFacts]
    var policy = PlacementPolicy()
    /// By how much real times are off: the deviation of their logarithm.
    var noise = 0.0
    var learns = false
    /// Predicts at submission, as the server does.
    var forecasts = false
    /// What is asserted after every decision.
    var checks = true

    private(set) var outcomes: [GenerationID: Outcome] = [:]

    private var queue = FairQueue(aging: .seconds(600))
    private var costs = CostModel()
    private var memory = MemoryModel()
    private let truth: CostModel
    private var reserved: Reservation?
    private var running: [Int: Running] = [:]
    private var events: [(time: Double, number: Int, event: Event)] = []
    private var added = 0
    private var now = 0.0
    private var random: SeededRandom

    init(
        devices: [DeviceView], models: [String: ModelFacts] = PolicyFixture.models, truth: CostModel = CostModel(),
        seed: UInt64
    ) {
        self.devices = devices
        self.models = models
        self.truth = truth
        random = SeededRandom(seed: seed)
    }

    /// What is known of memory from the start.
    mutating func seedMemory(_ memory: MemoryModel) {
        self.memory = memory
    }

    /// Runs until everything is made.
    mutating func run(_ requests: [Request]) throws {
        for request in requests { add(.request(request), at: request.time) }
        var submitted: Int64 = 0
        while let index = events.indices.min(by: {
            (events[$0].time, events[$0].number) < (events[$1].time, events[$1].number)
        }) {
            let next = events.remove(at: index)
            now = next.time
            switch next.event {
            case .request(let request):
                submitted += 1
                submit(request, GenerationID(rawValue: submitted))
                try dispatch()
                if forecasts { predict(GenerationID(rawValue: submitted)) }
            case .end(let engine):
                end(engine)
                try dispatch()
            case .up(let engine):
                change(engine) { $0.state = .ready }
                try dispatch()
            }
        }
        guard queue.count == 0 else { throw Fault(description: "\(queue.count) are never made") }
    }

    private var stamp: Timestamp { Timestamp(milliseconds: Int64(now * 1000)) }

    private mutating func add(_ event: Event, at time: Double) {
        added += 1
        events.append((time, added, event))
    }

    private mutating func change(_ engine: Int, _ body: (inout EngineView) -> Void) {
        for device in devices.indices {
            for position in devices[device].engines.indices where devices[device].engines[position].index == engine {
                body(&devices[device].engines[position])
                let held = devices[device].engines.reduce(0) { $0 + $1.reservedBytes }
                devices[device].freeBytes = devices[device].totalBytes - held
                let busy = devices[device].engines.count { if case .busy = $0.state { true } else { false } }
                devices[device].utilisation = busy > 0 ? 1 : 0
            }
        }
    }

    // MARK: Life

    private mutating func submit(_ request: Request, _ id: GenerationID) {
        guard let facts = models[request.work.model] else { return }
        outcomes[id] = Outcome(submitted: now, start: .nan, end: .nan, engine: -1, seconds: .nan)
        queue.insert(
            WaitingGeneration(
                id: id,
                tenant: TenantID(rawValue: request.tenant),
                priority: request.priority,
                lane: Lane(model: request.work.model, memoryBytes: memory.leastMemory(for: request.work, model: facts)),
                cost: costs.cost(of: request.work, model: facts),
                work: request.work,
                since: stamp
            )
        )
    }

    private mutating func dispatch() throws {
        for _ in 0...10_000 {
            let heads = queue.heads(at: stamp)
            let step = policy.next(
                heads: heads,
                devices: devices,
                models: models,
                costs: costs,
                memory: memory,
                reserved: &reserved,
                now: now
            )
            switch step {
            case .assign(let assignment): try start(assignment)
            case .wake(let engine):
                change(engine) { $0.state = .starting }
                add(.up(engine: engine), at: now + 20)
            case .park(let engine):
                change(engine) {
                    $0.warm = nil
                    $0.reservedBytes = 0
                }
            case .nothing:
                if checks { try checkIdle(heads) }
                return
            }
            if checks { try checkMemory() }
        }
        throw Fault(description: "decisions without end")
    }

    private mutating func start(_ assignment: Assignment) throws {
        let generation = queue.take(assignment.generation, at: stamp)
        let device = devices.firstIndex { $0.engines.contains { $0.index == assignment.engine } }
        guard let generation, let device, let facts = models[generation.work.model],
            let engine = devices[device].engines.first(where: { $0.index == assignment.engine })
        else { throw Fault(description: "an assignment of what is not there") }
        guard engine.state == .ready, !devices[device].isDraining else {
            throw Fault(description: "engine \(engine.index) cannot take anything")
        }
        let isWarm = engine.warm?.model == generation.work.model
        let real = truth.estimate(generation.work, model: facts, mode: assignment.mode, on: devices[device].kind)
        let seconds = real.deviceSeconds(isWarm: isWarm) * factor()
        let until = now + assignment.seconds
        change(assignment.engine) {
            $0.state = .busy(until: until)
            $0.warm = Warm(model: generation.work.model)
            $0.reservedBytes = assignment.bytes
        }
        running[assignment.engine] = Running(
            id: generation.id,
            device: device,
            work: generation.work,
            mode: assignment.mode
        )
        outcomes[generation.id]?.start = now
        outcomes[generation.id]?.engine = assignment.engine
        outcomes[generation.id]?.seconds = seconds
        add(.end(engine: assignment.engine), at: now + seconds)
    }

    private mutating func end(_ engine: Int) {
        guard let run = running.removeValue(forKey: engine), let facts = models[run.work.model],
            let outcome = outcomes[run.id]
        else { return }
        outcomes[run.id]?.end = now
        queue.settle(run.id, actual: now - outcome.start)
        change(engine) {
            $0.state = .ready
            $0.reservedBytes = min($0.reservedBytes, facts.weightBytes)
        }
        guard learns else { return }
        let kind = devices[run.device].kind
        let shares = truth.estimate(run.work, model: facts, mode: run.mode, on: kind)
        let scale = (now - outcome.start) / shares.deviceSeconds(isWarm: true)
        costs.learn(
            CostObservation(
                work: run.work,
                model: facts,
                mode: run.mode,
                kind: kind,
                steps: run.work.steps,
                encode: shares.encode * scale,
                denoise: shares.perStep * Double(run.work.steps) * scale,
                decode: shares.decode * scale,
                write: shares.write
            )
        )
    }

    /// Log-normal, with a mean of one.
    private mutating func factor() -> Double {
        guard noise > 0 else { return 1 }
        // The sum of twelve uniform numbers is as good as normal.
        let sum = (0..<12).reduce(0.0) { sum, _ in sum + Double.random(in: 0..<1, using: &random) } - 6
        return max(0.2, 1 + noise * sum)
    }

    private mutating func predict(_ id: GenerationID) {
        if let outcome = outcomes[id], outcome.engine >= 0 {
            // Started at once.
            guard let run = running.first(where: { $0.value.id == id }), case .busy(let until) = view(run.key).state
            else { return }
            outcomes[id]?.predictedEnd = until
            return
        }
        let forecast = Forecast(
            order: queue.order(limit: Forecast.limit, at: stamp),
            devices: devices,
            models: models,
            costs: costs,
            memory: memory,
            now: now
        )
        outcomes[id]?.predictedEnd = forecast[id]?.end
    }

    private func view(_ engine: Int) -> EngineView {
        devices.lazy.flatMap(\.engines).first { $0.index == engine } ?? EngineView(index: -1, device: -1, state: .down)
    }

    // MARK: What must hold

    private func checkMemory() throws {
        for device in devices where device.totalBytes > 0 {
            let held = device.engines.reduce(0) { $0 + $1.reservedBytes }
            guard held <= device.totalBytes else { throw Fault(description: "\(device.id) is oversubscribed") }
        }
    }

    /// No engine could take one of the heads, but for one on a device that is kept for an earlier one.
    private mutating func checkIdle(_ heads: [WaitingGeneration]) throws {
        var kept: Int?
        for head in heads {
            guard let facts = models[head.work.model] else { continue }
            for (index, device) in devices.enumerated() where !device.isDraining {
                let mode = memory.mode(for: head.work, model: facts, capacity: device.totalBytes)
                guard let mode, device.totalBytes >= head.lane.memoryBytes else { continue }
                let bytes = memory.peakBytes(head.work, model: facts, mode: mode) ?? facts.weightBytes * 5 / 4
                for (position, engine) in device.engines.enumerated() where engine.state == .ready {
                    guard device.availableBytes(forEngineAt: position) >= bytes else { continue }
                    guard let reserved, reserved.device == index, reserved.generation != head.id else {
                        throw Fault(description: "engine \(engine.index) idles while \(head.id) waits for it")
                    }
                    kept = index
                }
            }
        }
        // Kept only while something else still runs there.
        if let kept {
            let busy = devices[kept].engines.contains { if case .busy = $0.state { true } else { false } }
            guard busy else { throw Fault(description: "\(devices[kept].id) is kept although nothing runs there") }
        }
    }
}
