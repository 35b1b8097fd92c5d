import Scheduling
import Tasks

/// The devices of a simulation, and what their engines work on.
///
/// Engines of one device share it evenly while several of them work.
struct SimulatedFleet: Sendable {
    /// One call of the model.
    struct Pass: Sendable {
        var generations: [GenerationID]
        var work: Work
        var mode: MemoryMode
        /// What it takes, were the device its own: the real times, not the predicted ones.
        var times: CostEstimate
        var isWarm: Bool
        var started: Double
        /// Seconds of the device that it still needs, as of `updated`.
        var remaining: Double
        var updated: Double
        /// Rises whenever its end moves, so that an end that was announced before can be told apart.
        var version: UInt32
    }

    /// Whether a device is there.
    enum Presence: Sendable {
        case absent
        /// Was asked for, and is paid for.
        case coming
        case present
    }

    /// An end that is to be announced.
    struct End: Sendable {
        var engine: Int
        var version: UInt32
        var time: Double
    }

    private(set) var devices: [DeviceView] = []
    /// The group of each device.
    private(set) var groups: [Int] = []
    private var presence: [Presence]
    /// Devices of each group that are there or coming.
    private(set) var paidDevices: [Int]
    /// By engine.
    private(set) var passes: [Pass?] = []
    /// Since when an engine is ready and has nothing to do; by engine.
    private(set) var idleSince: [Double?] = []
    private(set) var isParked: [Bool] = []
    /// The device of each engine, and its position there.
    private var places: [(device: Int, position: Int)] = []
    private var workingOnDevice: [Int] = []
    /// Engines of each device that are not working.
    private var openOnDevice: [Int] = []
    /// Devices with an engine that is not working, in order.
    private(set) var openDevices: [Int] = []
    /// The most memory that a device has.
    let mostMemory: Int64
    /// Engines that are ready.
    private(set) var freeEngines = 0
    /// Engines that have no process.
    private(set) var sleepingEngines = 0
    /// Devices of each group on which at least one engine works.
    private(set) var workingDevices: [Int]

    /// All engines are up, with no model on the device.
    init(_ fleet: [DeviceGroup]) {
        workingDevices = Array(repeating: 0, count: fleet.count)
        paidDevices = fleet.map(\.count)
        presence = Array(repeating: .present, count: fleet.reduce(0) { $0 + $1.count })
        mostMemory = fleet.map(\.memoryBytes).max() ?? 0
        for (index, group) in fleet.enumerated() {
            for number in 0..<group.count {
                let device = devices.count
                let engines = (0..<group.enginesPerDevice).map { position in
                    EngineView(index: places.count + position, device: device, state: .ready)
                }
                places += engines.indices.map { (device, $0) }
                devices.append(
                    DeviceView(
                        id: "\(group.name)-\(number + 1)",
                        kind: DeviceKind(name: group.kind),
                        totalBytes: group.memoryBytes,
                        freeBytes: group.memoryBytes,
                        engines: engines
                    )
                )
                groups.append(index)
            }
        }
        passes = Array(repeating: nil, count: places.count)
        idleSince = Array(repeating: 0, count: places.count)
        isParked = Array(repeating: false, count: places.count)
        workingOnDevice = Array(repeating: 0, count: devices.count)
        openOnDevice = devices.map(\.engines.count)
        openDevices = Array(devices.indices)
        freeEngines = places.count
    }

    /// Whether placement has anything to decide on: an engine that is ready, or can be woken.
    var hasOpenEngines: Bool { freeEngines > 0 || sleepingEngines > 0 }

    var engineCount: Int { places.count }

    func device(of engine: Int) -> Int { places[engine].device }

    func position(of engine: Int) -> Int { places[engine].position }

    func view(of engine: Int) -> EngineView {
        devices[places[engine].device].engines[places[engine].position]
    }

    // MARK: Passes

    /// Begins a pass.
    ///
    /// - Parameters:
    ///   - pass: what is made.
    ///   - engine: that makes it; ready.
    ///   - assignment: what was predicted of it.
    ///   - now: seconds.
    /// - Returns: the new ends of all passes of the device.
    mutating func begin(_ pass: Pass, on engine: Int, as assignment: Assignment, at now: Double) -> [End] {
        let device = places[engine].device
        advance(device, to: now)
        freeEngines -= 1
        openOnDevice[device] -= 1
        if openOnDevice[device] == 0 { openDevices.remove(at: openPlace(of: device)) }
        passes[engine] = pass
        idleSince[engine] = nil
        isParked[engine] = false
        workingOnDevice[device] += 1
        if workingOnDevice[device] == 1 { workingDevices[groups[device]] += 1 }
        change(engine) { view in
            view.state = .busy(until: now + assignment.seconds)
            view.warm = Warm(model: pass.work.model, loras: pass.work.loras)
            view.reservedBytes = assignment.bytes
        }
        return ends(on: device, at: now)
    }

    /// Ends the pass of an engine.
    ///
    /// - Parameters:
    ///   - engine: that has worked.
    ///   - residentBytes: what stays on the device.
    ///   - now: seconds.
    /// - Returns: the pass, and the new ends of the other passes of the device; `nil` if it had none.
    mutating func release(_ engine: Int, residentBytes: Int64, at now: Double) -> (pass: Pass, ends: [End])? {
        guard let pass = passes[engine] else { return nil }
        let device = places[engine].device
        advance(device, to: now)
        passes[engine] = nil
        idleSince[engine] = now
        freeEngines += 1
        openOnDevice[device] += 1
        if openOnDevice[device] == 1 { openDevices.insert(device, at: openPlace(of: device)) }
        workingOnDevice[device] -= 1
        if workingOnDevice[device] == 0 { workingDevices[groups[device]] -= 1 }
        change(engine) { view in
            view.state = .ready
            view.reservedBytes = residentBytes
        }
        return (pass, ends(on: device, at: now))
    }

    /// Seconds of the device that the pass of an engine has had by now; 0 if it has none.
    func usedSeconds(on engine: Int, at now: Double) -> Double {
        guard let pass = passes[engine] else { return 0 }
        let working = Double(max(workingOnDevice[places[engine].device], 1))
        let all = pass.times.deviceSeconds(isWarm: pass.isWarm)
        return min(all, all - pass.remaining + (now - pass.updated) / working)
    }

    // MARK: Rest

    /// Moves the model of an idle engine off the device.
    mutating func park(_ engine: Int) {
        guard passes[engine] == nil else { return }
        isParked[engine] = true
        change(engine) { view in
            view.warm = nil
            view.reservedBytes = 0
        }
    }

    /// Ends the process of an idle engine.
    mutating func sleep(_ engine: Int) {
        guard passes[engine] == nil, view(of: engine).state == .ready else { return }
        park(engine)
        idleSince[engine] = nil
        freeEngines -= 1
        sleepingEngines += 1
        change(engine) { $0.state = .asleep }
    }

    /// Starts the process of an engine that is asleep.
    ///
    /// - Returns: whether it was.
    mutating func wake(_ engine: Int) -> Bool {
        guard view(of: engine).state == .asleep else { return false }
        sleepingEngines -= 1
        change(engine) { $0.state = .starting }
        return true
    }

    /// Says that the process of an engine is up.
    mutating func rise(_ engine: Int, at now: Double) {
        idleSince[engine] = now
        freeEngines += 1
        change(engine) { $0.state = .ready }
    }

    // MARK: Coming and going

    /// Asks for a device.
    ///
    /// - Returns: whether it was not there.
    mutating func order(_ device: Int) -> Bool {
        guard presence[device] == .absent else { return false }
        presence[device] = .coming
        paidDevices[groups[device]] += 1
        return true
    }

    /// Says that a device is there, its engines up and without a model.
    mutating func arrive(_ device: Int, at now: Double) {
        guard presence[device] == .coming else { return }
        presence[device] = .present
        openDevices.insert(device, at: openPlace(of: device))
        openOnDevice[device] = devices[device].engines.count
        for engine in devices[device].engines.map(\.index) {
            isParked[engine] = false
            rise(engine, at: now)
        }
    }

    /// Takes a device away, if none of its engines works or comes up.
    ///
    /// - Returns: whether it is gone.
    mutating func leave(_ device: Int) -> Bool {
        let engines = devices[device].engines
        guard presence[device] == .present, engines.allSatisfy({ $0.state == .ready || $0.state == .asleep }) else {
            return false
        }
        for engine in engines {
            if engine.state == .ready { sleep(engine.index) }
            sleepingEngines -= 1
            change(engine.index) { $0.state = .down }
        }
        openDevices.remove(at: openPlace(of: device))
        openOnDevice[device] = 0
        presence[device] = .absent
        paidDevices[groups[device]] -= 1
        return true
    }

    // MARK: Within

    /// Where a device is among the open ones, or belongs.
    private func openPlace(of device: Int) -> Int {
        var (low, high) = (0, openDevices.count)
        while low < high {
            let middle = (low + high) / 2
            if openDevices[middle] < device { low = middle + 1 } else { high = middle }
        }
        return low
    }

    private mutating func change(_ engine: Int, _ body: (inout EngineView) -> Void) {
        let (device, position) = places[engine]
        let before = devices[device].engines[position].reservedBytes
        body(&devices[device].engines[position])
        // The probe sees what the engines hold.
        devices[device].freeBytes += before - devices[device].engines[position].reservedBytes
        devices[device].utilisation = workingOnDevice[device] > 0 ? 1 : 0
    }

    /// Notes what the passes of a device have done so far.
    private mutating func advance(_ device: Int, to now: Double) {
        let working = Double(max(workingOnDevice[device], 1))
        for engine in devices[device].engines.map(\.index) {
            guard let pass = passes[engine] else { continue }
            passes[engine]?.remaining = max(0, pass.remaining - (now - pass.updated) / working)
            passes[engine]?.updated = now
        }
    }

    /// When the passes of a device end if nothing else changes.
    private mutating func ends(on device: Int, at now: Double) -> [End] {
        let working = Double(max(workingOnDevice[device], 1))
        var ends: [End] = []
        for engine in devices[device].engines.map(\.index) {
            guard let pass = passes[engine] else { continue }
            passes[engine]?.version = pass.version &+ 1
            ends.append(End(engine: engine, version: pass.version &+ 1, time: now + pass.remaining * working))
        }
        return ends
    }
}
