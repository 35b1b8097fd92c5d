import Tasks

/// One search of `PlacementPolicy`: what it finds out of one head after another.
struct PlacementRound {
    /// Devices that are alike: a make with so much memory.
    private struct Group {
        var kind: DeviceKind
        var totalBytes: Int64
        /// The modes that fit, the fastest first.
        var modes: [MemoryMode]
    }

    /// What it takes to make something in one mode.
    private struct Terms {
        var mode: MemoryMode
        var bytes: Int64
        /// Seconds where the model is there already.
        var warm: Double
        /// Seconds where it is not.
        var cold: Double
    }

    /// An engine that can take the head.
    private struct Candidate {
        var engine: Int
        var terms: Terms
        var seconds: Double
        var score: Double

        func isBetter(than other: Candidate?) -> Bool {
            guard let other else { return true }
            return score > other.score || score == other.score && seconds < other.seconds
        }
    }

    /// What the model is held with beside its weights while it works, where nothing was measured or published.
    private static let unknownShare = 1.25
    /// What the model alone counts, of the bonus for model and LoRAs.
    private static let modelShare = 0.8

    let policy: PlacementPolicy
    let devices: [DeviceView]
    let costs: CostModel
    let memory: MemoryModel
    let now: Double
    /// Devices that could start something now or soon.
    private let open: [Int]
    /// Engines that come up, and are meant for an earlier head.
    private var spoken: [Int] = []
    private(set) var reserved: Reservation?

    // Of the head at hand.
    private(set) var id = GenerationID(rawValue: 0)
    private var work = Work(model: "", shape: VideoShape(width: 0, height: 0, numFrames: 0), steps: 0, isGuided: false)
    private var facts = ModelFacts(name: "")
    private var laneBytes: Int64 = 0
    private var groups: [Group] = []
    /// By group, in the fastest mode that fits; `nil`: none does.
    ///
    /// Apart from the groups, because each device is judged by it.
    private var offers: [Terms?] = []
    /// The group that was looked at last.
    private var lastGroup = 0

    init(policy: PlacementPolicy, devices: [DeviceView], costs: CostModel, memory: MemoryModel, now: Double) {
        self.policy = policy
        self.devices = devices
        self.costs = costs
        self.memory = memory
        self.now = now
        var open: [Int] = []
        for device in devices.indices where !devices[device].isDraining {
            for engine in devices[device].engines.indices where devices[device].engines[engine].state.isOpen {
                open.append(device)
                break
            }
        }
        self.open = open
    }

    /// Keeps a device.
    mutating func keep(_ reservation: Reservation) {
        reserved = reservation
    }

    /// Whether anything is ready, or can be woken.
    var hasOpenDevices: Bool { !open.isEmpty }

    /// Turns to a head.
    mutating func begin(_ head: WaitingGeneration, _ facts: ModelFacts) {
        id = head.id
        work = head.plannedWork
        laneBytes = head.lane.memoryBytes
        groups.removeAll(keepingCapacity: true)
        offers.removeAll(keepingCapacity: true)
        self.facts = facts
        if let planned = head.plan.memoryMode {
            let sparing = facts.memoryModes.filter { $0 >= planned }
            self.facts.memoryModes = sparing.isEmpty ? facts.memoryModes.suffix(1) : sparing
        }
    }

    /// What can be done for the head now.
    mutating func step() -> PlacementStep? {
        var best: Candidate?
        var asleep: Int?
        var coming: Int?
        var hindrance: Int?
        for device in open {
            let group = group(of: device)
            guard let terms = offers[group] else { continue }
            for position in devices[device].engines.indices {
                switch devices[device].engines[position].state {
                case .ready:
                    if let candidate = candidate(at: position, of: device, terms, group) {
                        if candidate.isBetter(than: best) { best = candidate }
                    } else if hindrance == nil {
                        hindrance = idleHolder(inTheWayOf: terms.bytes, of: device)
                    }
                case .asleep where asleep == nil:
                    if devices[device].availableBytes(forEngineAt: position) >= terms.bytes {
                        asleep = devices[device].engines[position].index
                    }
                case .starting where coming == nil:
                    let index = devices[device].engines[position].index
                    if !spoken.contains(index) { coming = index }
                default: break
                }
            }
        }
        if let best { return .assign(assignment(best.terms, best.engine, best.seconds)) }
        if offers.allSatisfy({ $0 == nil }), let last = lastResort() { return .assign(last) }
        if let coming {
            spoken.append(coming)
            return nil
        }
        if let asleep { return .wake(engine: asleep) }
        return hindrance.map { .park(engine: $0) }
    }

    // MARK: One device

    /// The group of a device, whose offer is computed once for all of them.
    private mutating func group(of device: Int) -> Int {
        // Devices that are alike mostly stand together.
        if lastGroup < groups.count, isAlike(device, lastGroup) { return lastGroup }
        if let known = groups.indices.first(where: { isAlike(device, $0) }) {
            lastGroup = known
            return known
        }
        let (kind, totalBytes) = (devices[device].kind, devices[device].totalBytes)
        let isLargeEnough = totalBytes <= 0 || totalBytes >= laneBytes
        let modes = isLargeEnough ? memory.modes(for: work, model: facts, capacity: totalBytes) : []
        groups.append(Group(kind: kind, totalBytes: totalBytes, modes: modes))
        offers.append(modes.first.map { terms($0, kind, totalBytes) })
        lastGroup = groups.count - 1
        return lastGroup
    }

    private func isAlike(_ device: Int, _ group: Int) -> Bool {
        groups[group].totalBytes == devices[device].totalBytes && groups[group].kind == devices[device].kind
    }

    /// What the head needs on a device; `nil` if it does not fit.
    mutating func bytes(on device: Int) -> Int64? {
        offers[group(of: device)]?.bytes
    }

    /// What it takes in a mode.
    private func terms(_ mode: MemoryMode, _ kind: DeviceKind, _ totalBytes: Int64) -> Terms {
        let estimate = costs.estimate(work, model: facts, mode: mode, on: kind)
        let bytes =
            memory.peakBytes(work, model: facts, mode: mode)
            ?? Int64(Double(max(0, facts.weightBytes)) * Self.unknownShare)
        return Terms(
            mode: mode,
            bytes: totalBytes > 0 ? min(bytes, totalBytes) : bytes,
            warm: estimate.deviceSeconds(isWarm: true),
            cold: estimate.deviceSeconds(isWarm: false)
        )
    }

    /// The head on a ready engine; `nil` if it has no room there, or would hold up one that the device is kept for.
    private func candidate(at position: Int, of device: Int, _ offer: Terms, _ group: Int) -> Candidate? {
        var terms = offer
        let available = devices[device].availableBytes(forEngineAt: position)
        if terms.bytes > available {
            // What other engines hold comes back; what other programs hold may not.
            guard isAlone(position, of: device), let fitting = sparing(available, groups[group]) else { return nil }
            terms = fitting
        }
        let warmth = warmth(of: position, of: device)
        let seconds = warmth > 0 ? terms.warm : terms.cold
        let engine = devices[device].engines[position].index
        guard isBackfill(engine, of: device, bytes: terms.bytes, until: now + seconds) else { return nil }
        let score = score(of: device) + policy.warmBonus * warmth
        return Candidate(engine: engine, terms: terms, seconds: seconds, score: score)
    }

    /// The fastest mode but the first that has room in what is available.
    private func sparing(_ available: Int64, _ group: Group) -> Terms? {
        let modes = group.modes.dropFirst().lazy
        return modes.map { terms($0, group.kind, group.totalBytes) }.first { $0.bytes <= available }
    }

    private func assignment(_ terms: Terms, _ engine: Int, _ seconds: Double) -> Assignment {
        Assignment(generation: id, engine: engine, mode: terms.mode, seconds: seconds, bytes: terms.bytes)
    }

    /// How much of what the head needs an engine holds already, 0 to 1.
    private func warmth(of position: Int, of device: Int) -> Double {
        guard let warm = devices[device].engines[position].warm, warm.model == work.model else { return 0 }
        return warm.loras == work.loras ? 1 : Self.modelShare
    }

    private func score(of device: Int) -> Double {
        let used = devices[device].utilisation
        let utilisation = used.isFinite ? min(max(used, 0), 1) : 0
        let total = devices[device].totalBytes
        let free = total > 0 ? min(max(Double(devices[device].freeBytes) / Double(total), 0), 1) : 1
        return policy.utilisationWeight * (1 - utilisation) + policy.memoryWeight * free
    }

    /// Whether no other engine holds memory of the device.
    private func isAlone(_ position: Int, of device: Int) -> Bool {
        devices[device].engines.indices.allSatisfy { other in
            other == position || devices[device].engines[other].reservedBytes <= 0
        }
    }

    /// An idle engine whose model has to leave the device before another engine has room; `nil` if that would not do.
    private func idleHolder(inTheWayOf bytes: Int64, of device: Int) -> Int? {
        guard devices[device].engines.count > 1 else { return nil }
        let view = devices[device]
        let idle = view.engines.filter { $0.state == .ready && $0.reservedBytes > 0 }
        let working = view.engines.reduce(0) { $0 + ($1.state == .ready ? 0 : $1.reservedBytes) }
        let held = idle.reduce(0) { $0 + $1.reservedBytes }
        // One of them takes the head, and gives up what it holds by itself.
        guard idle.count > 1, bytes <= view.totalBytes - working, bytes <= view.freeBytes + held else { return nil }
        let others = idle.filter { $0.warm != nil && $0.warm?.model != work.model }
        return (others.max { $0.reservedBytes < $1.reservedBytes } ?? idle.last { $0.warm != nil })?.index
    }

    // MARK: What fits nowhere

    /// The head alone on one of the largest devices, where no device is predicted to have room.
    private mutating func lastResort() -> Assignment? {
        guard isPredictedToFitNowhere() else { return nil }
        let largest = devices.lazy.map(\.totalBytes).max() ?? 0
        for device in open where devices[device].totalBytes == largest {
            let view = devices[device]
            let ready = view.engines.indices.filter { view.engines[$0].state == .ready && isAlone($0, of: device) }
            guard let position = ready.first else { continue }
            let modes = memory.modes(for: work, model: facts, capacity: largest)
            guard let mode = modes.first ?? facts.memoryModes.last else { return nil }
            var terms = terms(mode, view.kind, largest)
            terms.bytes = view.availableBytes(forEngineAt: position)
            let seconds = warmth(of: position, of: device) > 0 ? terms.warm : terms.cold
            let engine = view.engines[position].index
            guard isBackfill(engine, of: device, bytes: terms.bytes, until: now + seconds) else { continue }
            return assignment(terms, engine, seconds)
        }
        return nil
    }

    /// Also not on those that are busy, draining or down: they come back.
    private mutating func isPredictedToFitNowhere() -> Bool {
        for device in devices.indices where bytes(on: device) != nil { return false }
        return true
    }
}

extension EngineView.State {
    /// Whether it can take something now, or soon if it is told to.
    fileprivate var isOpen: Bool {
        switch self {
        case .ready, .asleep, .starting: true
        case .busy, .down: false
        }
    }
}
