import Engine
import Logging
import Synchronization
import Tasks

/// All that can make videos: the engines of this process, and those of the other processes of the deployment.
final class Deployment: Sendable {
    private struct State {
        /// The models that were there lately; `nil` until they are read.
        var remembered: RememberedCatalog?
        var rememberedVersion = 0
        /// The make of device that costs are told for; `nil` until the processes agree.
        var reference: DeviceKind?
        var catalog: ModelCatalog?
        /// What the catalog was made of.
        var catalogVersion: [Int] = []
    }

    let identity: MemberIdentity
    let board: EngineBoard
    let fleet: Fleet
    /// `nil`: this process is the only one.
    let members: MemberBoard?
    let clock: any ServiceClock
    private let state = Mutex(State())

    init(
        identity: MemberIdentity,
        board: EngineBoard,
        fleet: Fleet,
        members: MemberBoard?,
        clock: any ServiceClock
    ) {
        self.identity = identity
        self.board = board
        self.fleet = fleet
        self.members = members
        self.clock = clock
    }

    var now: Double { clock.monotonicTime().inSeconds }

    /// The other processes.
    func others(at now: Double) -> [MemberBoard.Other] { members?.others(at: now) ?? [] }

    // MARK: Models

    /// Everything that can be asked for; `nil` if no engine has ever described anything.
    var catalog: ModelCatalog? {
        guard let members else { return board.catalog }
        let (boardVersion, membersVersion) = (board.version, members.version)
        if let known = state.withLock({ state -> ModelCatalog? in
            state.catalogVersion == [boardVersion, membersVersion, state.rememberedVersion] ? state.catalog : nil
        }) {
            return known
        }
        let remembered = state.withLock { ($0.remembered, $0.rememberedVersion) }
        let old = remembered.0?.descriptions(at: clock.wallTime()) ?? []
        let described = descriptions(at: now)
        let catalog = ModelCatalog(described, inOrderOf: old)
        guard !catalog.models.isEmpty else { return nil }
        state.withLock { state in
            // An engine that has said something that is not noted yet may say more.
            guard !described.isEmpty || !old.isEmpty else { return }
            state.catalog = catalog
            state.catalogVersion = [boardVersion, membersVersion, remembered.1]
        }
        return catalog
    }

    /// What all engines that are there say of themselves, in an order that every process agrees on.
    func descriptions(at now: Double) -> [EngineDescription] {
        let all = others(at: now).map { ($0.id.rawValue, $0.descriptions) }
        return (all + [(identity.id.rawValue, board.descriptions)]).sorted { $0.0 < $1.0 }.flatMap(\.1)
    }

    /// The models that can be asked for, by name, held as the operator of this process wants them.
    func facts(wanted: MemoryMode?) -> [String: ModelFacts] {
        var facts: [String: ModelFacts] = [:]
        for model in catalog?.models ?? [] { facts[model.name] = ModelFacts(model, wanted: wanted) }
        return facts
    }

    /// Whether a model is nowhere: every engine of every process has said what it has, and none was remembered.
    func isCertainlyGone(_ model: String) -> Bool {
        guard board.isComplete else { return false }
        guard let members else { return board.catalog?.model(named: model) == nil }
        let now = now
        guard members.isKnown(at: now), state.withLock({ $0.remembered }) != nil,
            members.others(at: now).allSatisfy(\.report.isComplete)
        else { return false }
        return catalog?.model(named: model) == nil
    }

    // MARK: What it is told

    /// Takes over what was remembered.
    func remember(_ catalog: RememberedCatalog) {
        state.withLock { state in
            guard state.remembered != catalog else { return }
            state.remembered = catalog
            state.rememberedVersion += 1
        }
    }

    var remembered: RememberedCatalog? { state.withLock { $0.remembered } }

    /// Takes over the make of device that all processes tell costs for.
    func agree(on reference: DeviceKind) {
        state.withLock { $0.reference = reference }
    }

    var agreedReference: DeviceKind? { state.withLock { $0.reference } }

    // MARK: Devices

    /// The make of device that costs are told for.
    ///
    /// Until the processes agree that of this process's first device.
    var reference: DeviceKind {
        agreedReference ?? remembered?.reference.map { DeviceKind(name: $0) } ?? fleet.reference
    }

    /// Every device there is, as the policies see it; those of this process first.
    func views(at now: Double) -> [DeviceView] {
        var views = fleet.views(at: now)
        var engines = fleet.engines.count
        for other in others(at: now) {
            for device in other.report.devices {
                var view = device.view(at: views.count, firstEngine: engines, seen: other.seen)
                view.isDraining = view.isDraining || other.report.isEnding
                engines += device.engines.count
                views.append(view)
            }
        }
        return views
    }

    /// Whether a model could be run with more memory than a device has.
    func hasDevice(largerThan bytes: Int64, for model: String) -> Bool {
        fleet.hasDevice(largerThan: bytes, for: model) || (largestElsewhere(for: model, at: now) ?? 0) > bytes
    }

    /// The memory of the largest device of another process that has a model and takes work; `nil` if none has it.
    func largestElsewhere(for model: String, at now: Double) -> Int64? {
        others(at: now).lazy.filter { !$0.report.isEnding }.flatMap(\.report.devices)
            .filter { !$0.isClosed && $0.models.contains(model) }
            .map { Bounded.bytes($0.totalBytes) }.max()
    }

    /// Whether a device of another process is free and has a model on it.
    func isReadyAndWarmElsewhere(with model: String, at now: Double) -> Bool {
        others(at: now).contains { other in
            !other.report.isEnding && other.report.devices.contains { $0.isReadyAndWarm(with: model) }
        }
    }

    // MARK: What runs, and what is in the way

    /// Until a generation that runs here or elsewhere is predicted to end; `nil` if it runs nowhere.
    func secondsLeft(of id: GenerationID, at now: Double) -> Double? {
        if let left = fleet.running.remainingTime(of: id, at: now) { return left }
        return others(at: now).lazy.compactMap { other in
            other.running[id.rawValue].map { max(0, $0 - (now - other.seen)) }
        }.first
    }

    /// How many generations run.
    func runningCount(at now: Double) -> Int {
        fleet.running.count + others(at: now).reduce(0) { $0 + $1.running.count }
    }

    /// What keeps every engine from working; empty if one can.
    func obstacles() -> [Obstacle] {
        guard members != nil else { return board.obstacles() }
        var found: [Obstacle] = []
        if !fleet.engines.isEmpty {
            found = board.obstacles()
            if found.isEmpty { return [] }
        }
        for other in others(at: now) where !other.report.isEnding && !other.report.devices.isEmpty {
            guard !other.report.obstacles.isEmpty else { return [] }
            found += other.report.obstacles.map { Obstacle(code: $0.code, message: $0.message) }
        }
        if found.isEmpty {
            found.append(Obstacle(code: "no_worker", message: "No worker is there; what is accepted waits for one."))
        }
        return found
    }

    /// The processes by role, this one among them.
    func memberCounts(at now: Double) -> [MemberCount] {
        var counts = Dictionary(MemberIdentity.Role.allCases.map { ($0.rawValue, 0) }, uniquingKeysWith: { $1 })
        for role in [identity.role.rawValue] + others(at: now).map(\.report.role) {
            // What a newer process says must not make a series of its own.
            counts[counts[role] == nil ? "other" : role, default: 0] += 1
        }
        return counts.map { MemberCount(role: $0.key, count: $0.value) }.sorted { $0.role < $1.role }
    }
}

extension ModelCatalog {
    /// Everything that engines have or that is remembered.
    ///
    /// - Parameters:
    ///   - engines: those that are there; what they say of a model counts.
    ///   - remembered: gives the order, and what no engine has now.
    init(_ engines: [EngineDescription], inOrderOf remembered: [EngineDescription]) {
        self.init(engines + remembered)
        var places: [String: Int] = [:]
        for model in remembered.flatMap(\.models) where places[model.name] == nil { places[model.name] = places.count }
        models = models.enumerated().sorted { one, other in
            (places[one.element.name] ?? .max, one.offset) < (places[other.element.name] ?? .max, other.offset)
        }.map(\.element)
    }
}
