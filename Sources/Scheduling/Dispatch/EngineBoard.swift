import Engine
import Synchronization
import Tasks

/// What is known of the engines at this moment: the models they serve and what keeps them from working.
final class EngineBoard: Sendable {
    private struct State {
        /// By device: what an engine described last; stays known while it restarts.
        var descriptions: [String: EngineDescription] = [:]
        /// Of all of them.
        var catalog: ModelCatalog?
        /// Rises whenever that changes.
        var version = 0
        /// By device: the last load that failed, until one succeeds.
        var loadFailures: [String: Obstacle] = [:]
    }

    private let engines: [any VideoEngine]
    private let state = Mutex(State())

    init(engines: [any VideoEngine]) {
        self.engines = engines
    }

    /// What the engines have described; `nil` if none has yet.
    var catalog: ModelCatalog? {
        if let noted = state.withLock({ $0.catalog }) { return noted }
        // An engine is ready a moment before anybody has noted what it said.
        let described = engines.compactMap(\.state.description)
        return described.isEmpty ? nil : ModelCatalog(described)
    }

    /// What each device's engine described last, in the order of the engines.
    var descriptions: [EngineDescription] {
        let noted = state.withLock { $0.descriptions }
        var seen: Set<String> = []
        return engines.compactMap { engine in
            guard seen.insert(engine.device).inserted else { return nil }
            return noted[engine.device] ?? engine.state.description
        }
    }

    /// The names of the models that a device's engine described last.
    func models(of device: String) -> [String] {
        state.withLock { $0.descriptions[device] }?.models.map(\.name) ?? []
    }

    /// Rises whenever the engines say something new of their models.
    var version: Int { state.withLock { $0.version } }

    /// The models that can be asked for, by name, held as the operator wants them.
    func facts(wanted: MemoryMode?) -> [String: ModelFacts] {
        var facts: [String: ModelFacts] = [:]
        for model in catalog?.models ?? [] { facts[model.name] = ModelFacts(model, wanted: wanted) }
        return facts
    }

    /// Whether every engine has described its models, so that what is not among them is nowhere.
    var isComplete: Bool {
        state.withLock { state in engines.allSatisfy { state.descriptions[$0.device] != nil } }
    }

    /// How many generations of a model may share a pass; 1 if it is not known.
    func maxBatch(of model: String) -> Int {
        state.withLock { state in
            state.descriptions.values.lazy.compactMap { $0.model(named: model)?.maxBatch }.min() ?? 1
        }
    }

    /// Notes what an engine said of its models.
    func note(_ engineState: EngineState, of device: String) {
        guard let description = engineState.description else { return }
        state.withLock { state in
            guard state.descriptions[device] != description else { return }
            state.descriptions[device] = description
            state.version += 1
            state.catalog = ModelCatalog(engines.compactMap { state.descriptions[$0.device] })
        }
    }

    /// Notes that a device could not load its model, or, with `nil`, that it made a video.
    func note(loadFailure: Obstacle?, on device: String) {
        state.withLock { $0.loadFailures[device] = loadFailure }
    }

    /// What keeps every engine from working; empty if one can.
    func obstacles() -> [Obstacle] {
        let loadFailures = state.withLock { $0.loadFailures }
        var obstacles: [Obstacle] = []
        for engine in engines {
            let obstacle: Obstacle? =
                switch engine.state {
                case .ready, .busy, .asleep: loadFailures[engine.device]
                case .starting: Obstacle(code: "engine_starting", message: "The engine is starting.")
                case .restarting(let fault): Obstacle(code: fault.code, message: fault.message)
                case .stopped: Obstacle(code: "engine_stopped", message: "The server is shutting down.")
                }
            guard let obstacle else { return [] }
            obstacles.append(obstacle)
        }
        if engines.isEmpty {
            obstacles.append(Obstacle(code: "no_engine", message: "No engine is configured."))
        }
        return obstacles
    }
}
