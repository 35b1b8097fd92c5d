import Engine
import Synchronization
import Tasks

/// The engines of this process by device, what each of them is doing, and who is to be left alone.
///
/// Says at any moment what placement needs to know. Indices of engines are those of `engines`.
final class Fleet: Sendable {
    /// One call of the model that is under way.
    struct Pass: Sendable {
        var generations: [GenerationID]
        var warm: Warm
        var mode: MemoryMode
        /// Monotonic seconds.
        var started: Double
        /// When its device is predicted to be free; monotonic seconds.
        var until: Double
        /// Predicted peak on the device.
        var bytes: Int64
    }

    /// Everything that changes.
    struct State: Sendable {
        var passes: [Int: Pass] = [:]
        /// The last pass of each engine, whose model may still be on the device.
        var rests: [Int: Pass] = [:]
        /// Until when an engine gets nothing, because its model did not load; monotonic seconds.
        var pauses: [Int: (until: Double, next: LoadFailurePause)] = [:]
        /// Since when an engine has had nothing to do; monotonic seconds.
        var idleSince: [Int: Double] = [:]
        var parked: Set<Int> = []
        var drainingDevices: Set<String> = []
        var isDraining = false
        /// The process begins nothing more, and ends once what runs is over.
        var isEnding = false
    }

    let engines: [any VideoEngine]
    /// Each once, in the order of the engines.
    let devices: [String]
    /// The index of each engine's device.
    let deviceOfEngine: [Int]
    private let report: @Sendable () -> DeviceReport
    let running: RunningGenerations
    private let state = Mutex(State())

    /// - Parameters:
    ///   - engines: all of this process.
    ///   - running: how far what runs is.
    ///   - report: what was last seen of the devices.
    init(
        engines: [any VideoEngine],
        running: RunningGenerations,
        report: @escaping @Sendable () -> DeviceReport
    ) {
        self.engines = engines
        self.running = running
        self.report = report
        var devices: [String] = []
        deviceOfEngine = engines.map { engine in
            if let known = devices.firstIndex(of: engine.device) { return known }
            devices.append(engine.device)
            return devices.count - 1
        }
        self.devices = devices
    }

    // MARK: What it is told

    /// A pass begins: its engine is taken from now on.
    ///
    /// - Returns: the seconds for which its device had nothing to do; `nil` if it has just come up.
    func begin(_ pass: Pass, on engine: Int) -> Double? {
        state.withLock { state in
            let idle = state.idleSince[engine].map { pass.started - $0 }
            state.passes[engine] = pass
            state.rests[engine] = nil
            state.idleSince[engine] = nil
            state.parked.remove(engine)
            return idle
        }
    }

    /// A pass has left the device; its file may still be written.
    ///
    /// - Parameters:
    ///   - engine: where it ran.
    ///   - generation: one of the pass; nothing happens if another one has begun.
    ///   - now: monotonic seconds.
    func release(_ engine: Int, of generation: GenerationID, at now: Double) {
        state.withLock { state in
            guard let pass = state.passes[engine], pass.generations.contains(generation) else { return }
            state.passes[engine] = nil
            state.rests[engine] = pass
            state.idleSince[engine] = now
        }
    }

    /// An engine's process has begun anew: nothing is on its device, and the pause of the last one is over.
    func forget(_ engine: Int, at now: Double) {
        state.withLock { state in
            state.rests[engine] = nil
            state.parked.remove(engine)
            if state.passes[engine] == nil { state.idleSince[engine] = now }
        }
    }

    /// An engine could not load its model: it is left alone for some time, for longer each time.
    func noteLoadFailure(of engine: Int, at now: Double) {
        state.withLock { state in
            var pause = state.pauses[engine]?.next ?? LoadFailurePause()
            let length = pause.next().inSeconds
            state.pauses[engine] = (now + length, pause)
        }
    }

    /// An engine has made a video.
    func noteSuccess(of engine: Int) {
        state.withLock { $0.pauses[engine] = nil }
    }

    /// Whether new work is started, on a device or, without one, on any.
    ///
    /// - Returns: `false` if there is no such device.
    func setDraining(_ isDraining: Bool, device: String?) -> Bool {
        state.withLock { state in
            guard let device else {
                state.isDraining = isDraining
                return true
            }
            guard devices.contains(device) else { return false }
            if isDraining {
                state.drainingDevices.insert(device)
            } else {
                state.drainingDevices.remove(device)
            }
            return true
        }
    }

    /// This process begins nothing more.
    func noteEnding() {
        state.withLock { $0.isEnding = true }
    }

    /// Has the idle engines of a device give up their models.
    ///
    /// - Returns: `false` if there is no such device.
    func unload(device: String) -> Bool {
        guard let index = devices.firstIndex(of: device) else { return false }
        for engine in engines.indices where deviceOfEngine[engine] == index && idleness(of: engine)?.isParked == false {
            engines[engine].park()
            notePark(engine)
        }
        return true
    }

    /// An engine's model was moved off its device.
    func notePark(_ engine: Int) {
        _ = state.withLock { $0.parked.insert(engine) }
    }

    // MARK: What it says

    /// All of it at one moment.
    var current: State { state.withLock { $0 } }

    var isDraining: Bool { state.withLock { $0.isDraining } }

    var isEnding: Bool { state.withLock { $0.isEnding } }

    func isDraining(_ device: String) -> Bool {
        state.withLock { $0.isEnding || $0.isDraining || $0.drainingDevices.contains(device) }
    }

    /// The pass that an engine works on.
    func pass(on engine: Int) -> Pass? {
        state.withLock { $0.passes[engine] }
    }

    /// The model that an engine holds; `nil`: none.
    func warmModel(on engine: Int) -> String? {
        state.withLock { $0.passes[engine]?.warm.model } ?? engines[engine].warmModel
    }

    /// Since when an engine is idle, and whether its model was moved off the device; `nil` while it works.
    func idleness(of engine: Int) -> (since: Double, isParked: Bool)? {
        state.withLock { state in
            state.idleSince[engine].map { ($0, state.parked.contains(engine)) }
        }
    }

    /// The earliest moment at which an engine that was left alone may be asked again; monotonic seconds.
    func nextPauseEnd(after now: Double) -> Double? {
        state.withLock { $0.pauses.values.map(\.until).filter { $0 > now }.min() }
    }

    /// What a device is, for times and prices.
    func kind(of device: String) -> DeviceKind {
        DeviceKind(name: snapshot(of: device)?.name ?? device)
    }

    /// What the other engines of an engine's device are predicted to need at most.
    func reservedBytes(beside engine: Int) -> Int64 {
        state.withLock { state in
            engines.indices.reduce(0) { sum, other in
                other != engine && deviceOfEngine[other] == deviceOfEngine[engine]
                    ? sum + (state.passes[other]?.bytes ?? 0) : sum
            }
        }
    }

    /// The make that costs are told for here: that of the first device.
    var reference: DeviceKind { devices.first.map(kind) ?? .reference }

    /// Whether a model could be run with more memory than a device has.
    func hasDevice(largerThan bytes: Int64, for model: String) -> Bool {
        engines.contains { engine in
            guard let description = engine.state.description else { return false }
            return description.memoryBytes > bytes && description.model(named: model) != nil
        }
    }

    /// What was last seen of a device; of two devices that work together, the lesser of both.
    ///
    /// `auto` is the first device that is seen, as it is for an engine.
    func snapshot(of device: String) -> DeviceSnapshot? {
        let seen = report().devices
        if device == "auto" { return seen.first }
        let parts = device.split(separator: "+").compactMap { part in seen.first { $0.id == part } }
        guard var first = parts.first else { return nil }
        for part in parts.dropFirst() {
            first.totalBytes = min(first.totalBytes, part.totalBytes)
            first.freeBytes = min(first.freeBytes, part.freeBytes)
            first.utilisation = max(first.utilisation ?? 0, part.utilisation ?? 0)
        }
        return first
    }
}
