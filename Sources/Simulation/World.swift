import Scheduling
import Tasks

/// A scenario under way: everything that is so at one moment of the virtual clock.
///
/// A value: the same scenario always goes the same way. `step` is called until it says that it is over.
struct World: Sendable {
    /// What happens at a moment.
    enum Event: Sendable {
        /// A group asks for what it wants at the very start.
        case start(group: Int)
        /// A group asks on its own.
        case arrival(group: Int)
        /// A tenant asks again.
        case ask(tenant: Int)
        /// The device of a pass is free.
        case released(engine: Int, version: UInt32)
        /// The process of an engine is up.
        case up(engine: Int)
        /// It was said that something may start now.
        case look
        /// Idle engines are looked at.
        case keep
        /// How many devices are needed is looked at.
        case scale
        /// A device that was asked for is there.
        case come(device: Int)
    }

    /// What is remembered of a generation until it has ended.
    struct Record: Sendable {
        var ask: Traffic.Ask
        var time: Double
        var isDegraded = false
        /// Others who wait for the same video.
        var joined: [Joined] = []
    }

    struct Joined: Sendable {
        var ask: Traffic.Ask
        var time: Double
    }

    /// What becomes of a prompt that is asked for again.
    enum Prompt: Sendable {
        case inFlight(GenerationID)
        case finished
    }

    struct PromptKey: Sendable, Hashable {
        var group: Int
        var prompt: Int
        var isDegradable: Bool
    }

    let scenario: Scenario
    let models: [String: ModelFacts]
    /// Costs are told for the kind of the first device.
    let reference: DeviceKind
    /// What things really take, but for speed and noise.
    let truth = CostModel()

    var now = 0.0
    var events = EventQueue<Event>()
    var traffic: Traffic
    var random: RandomSource
    var queue: FairQueue
    var fleet: SimulatedFleet
    var costs = CostModel()
    var memory = MemoryModel()
    var reservation: Reservation?
    var records: [GenerationID: Record] = [:]
    var prompts: [PromptKey: Prompt] = [:]
    /// Of works that were asked for lately: what they are predicted to cost, and the memory they need.
    var appraisals: [Work: (cost: Double, memoryBytes: Int64)] = [:]
    /// The last one, and when it was made.
    var forecast: (time: Double, forecast: Forecast)?
    var tally: Tally
    /// Generations that were accepted so far.
    var accepted: Int64 = 0
    /// The earliest `look` that is still to come.
    var nextLook = Double.infinity
    /// How many devices were needed lately.
    var workers: WorkerScaling
    /// Whether a `scale` is still to come.
    var isScaling = false

    init(_ scenario: Scenario) {
        self.scenario = scenario
        models = PublishedModels.byName(wanted: scenario.settings.memoryMode)
        reference = DeviceKind(name: scenario.fleet.first?.kind ?? DeviceKind.reference.name)
        traffic = Traffic(scenario.traffic, seed: scenario.seed)
        random = RandomSource(seed: RandomSource.mixed(~scenario.seed))
        queue = FairQueue(aging: scenario.aging)
        fleet = SimulatedFleet(scenario.fleet)
        tally = Tally(scenario: scenario, tenants: traffic.names.count)
        workers = WorkerScaling(scenario.scaling?.policy ?? WorkerScalingPolicy())
        for group in scenario.traffic.indices {
            events.add(.start(group: group), at: 0)
            scheduleArrival(of: group)
        }
        if doEnginesRest { events.add(.keep, at: 0) }
        if let scaling = scenario.scaling { beginScaling(scaling) }
    }

    /// Lets the next thing happen, and starts whatever can start then.
    ///
    /// - Returns: whether there was one.
    mutating func step() -> Bool {
        let end = scenario.end.isDrained ? nil : scenario.end.seconds
        guard !isOver, (events.nextTime ?? .infinity) <= end ?? .infinity, let (time, event) = events.next() else {
            advance(to: max(now, end ?? now))
            return false
        }
        advance(to: time)
        happen(event)
        dispatch()
        tally.queueLength.set(Double(queue.count), at: now)
        tally.busyDevices.set(Double(fleet.workingDevices.reduce(0, +)), at: now)
        tally.paidDevices.set(Double(fleet.paidDevices.reduce(0, +)), at: now)
        return true
    }

    /// Whether nothing is left but looks at idle engines and at how many devices are needed.
    private var isOver: Bool {
        events.count == (doEnginesRest ? 1 : 0) + (isScaling ? 1 : 0) && queue.count == 0
    }

    private mutating func advance(to time: Double) {
        for group in fleet.workingDevices.indices {
            tally.devices[group].busySeconds += Double(fleet.workingDevices[group]) * (time - now)
            tally.devices[group].paidSeconds? += Double(fleet.paidDevices[group]) * (time - now)
        }
        now = time
    }

    private mutating func happen(_ event: Event) {
        switch event {
        case .start(let group):
            for ask in traffic.firstAsks(of: group) { submit(ask) }
        case .arrival(let group):
            for ask in traffic.asks(of: group) { submit(ask) }
            scheduleArrival(of: group)
        case .ask(let tenant):
            if let ask = traffic.nextAsk(of: tenant) { submit(ask) }
        case .released(let engine, let version):
            release(engine, version: version)
        case .up(let engine):
            fleet.rise(engine, at: now)
        case .look:
            nextLook = .infinity
        case .keep:
            keepEngines()
        case .scale:
            scale()
        case .come(let device):
            fleet.arrive(device, at: now)
        }
    }

    /// The next request of a group that asks on its own, unless that would be after the end.
    private mutating func scheduleArrival(of group: Int) {
        guard let arrival = traffic.nextArrival(of: group) else { return }
        var hits = arrival.hits
        if let end = scenario.end.seconds, now + arrival.pause > end {
            // Of those before it only as many as come in time.
            hits = (hits * (end - now) / arrival.pause).rounded()
        }
        countHits(Int(hits), of: group)
        add(.arrival(group: group), after: arrival.pause)
    }

    /// Has something that leads to requests happen, unless that would be after the end.
    mutating func add(_ event: Event, after seconds: Double) {
        let time = now + seconds
        if let end = scenario.end.seconds, time > end { return }
        events.add(event, at: time)
    }

    /// The virtual clock, as the queue reads it; stands still after some hundred million years.
    var stamp: Timestamp { Timestamp(milliseconds: Int64(min(now * 1000, 9e18).rounded(.down))) }

    // MARK: The end

    /// What came of it; to be called when it is over.
    func outcome() -> Simulator.Outcome {
        var tally = tally
        tally.queueLength.advance(to: now)
        tally.busyDevices.advance(to: now)
        tally.paidDevices.advance(to: now)
        var running: Set<GenerationID> = []
        for engine in 0..<fleet.engineCount {
            guard let pass = fleet.passes[engine] else { continue }
            running.formUnion(pass.generations)
            charge(pass, seconds: fleet.usedSeconds(on: engine, at: now), to: &tally)
        }
        for (id, record) in records {
            if running.contains(id) {
                tally.groups[record.ask.group].counts.running += 1
            } else {
                // It will have waited longer than that; leaving it out would make the waits look shorter still.
                tally.addWait(now - record.time, of: record.ask.group, askedAt: record.time)
                tally.groups[record.ask.group].counts.waiting += 1
            }
        }
        let report = tally.report(of: scenario, tenantGroups: traffic.groups, seconds: now)
        let wait = tally.groups.reduce(into: DurationHistogram()) { $0.merge($1.wait) }
        return Simulator.Outcome(
            report: report,
            wait: wait,
            charts: tally.charts(of: scenario, tenantGroups: traffic.groups)
        )
    }

    /// Counts device time for those that it was spent on.
    func charge(_ pass: SimulatedFleet.Pass, seconds: Double, to tally: inout Tally) {
        for id in pass.generations {
            guard let record = records[id] else { continue }
            tally.deviceSeconds[record.ask.tenant] += seconds / Double(pass.generations.count)
        }
    }
}
