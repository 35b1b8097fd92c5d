/// A connection to the driver through NVML, which is begun anew when it has gone bad.
///
/// Every call may block; one thread at a time has it.
struct NVMLSession: Sendable {
    private enum Connection {
        /// Neither loaded nor tried.
        case none
        /// May not be tried again before that moment; monotonic time.
        case failed(DeviceReport.Obstacle, until: Duration)
        case loaded(NVMLLibrary)
        case started(NVMLLibrary, at: Duration)
    }

    private let path: String
    private let pause: Duration
    private var connection = Connection.none

    /// - Parameters:
    ///   - path: of the library.
    ///   - pause: between two attempts to connect. Each may take the driver seconds, and where there is none the answer
    ///     does not change from one look to the next.
    init(path: String, pause: Duration) {
        self.path = path
        self.pause = pause
    }

    /// Looks at every GPU that this process may use.
    ///
    /// - Parameter now: monotonic time.
    /// - Returns: one reading for each, in NVML's order.
    /// - Throws: why the driver cannot be asked at all.
    mutating func look(at now: Duration) throws(DeviceReport.Obstacle) -> [GPUReading] {
        let (library, since) = try connect(at: now)
        var readings: [GPUReading] = []
        do throws(NVMLError) {
            for index in 0..<(try library.deviceCount()) {
                let reading = library.reading(at: index)
                // Such a GPU belongs to somebody else: CUDA does not count it either.
                if reading.outcome == .failure(.noPermission) { continue }
                readings.append(reading)
            }
        } catch {
            library.stop()
            throw fail(.driverUnusable, error, at: now)
        }
        // A connection never sees again what it has lost. What it lost stays so until the next one.
        let hasLost = readings.contains { if case .failure = $0.outcome { true } else { false } }
        if hasLost, now - since >= pause {
            library.stop()
            connection = .loaded(library)
        }
        return readings
    }

    private mutating func connect(
        at now: Duration
    ) throws(DeviceReport.Obstacle) -> (library: NVMLLibrary, since: Duration) {
        let library: NVMLLibrary
        switch connection {
        case .started(let started, let since): return (started, since)
        case .failed(let obstacle, let until) where now < until: throw obstacle
        case .loaded(let loaded): library = loaded
        case .none, .failed:
            do throws(DeviceReport.Obstacle) {
                library = try NVMLLibrary(path: path)
            } catch {
                connection = .failed(error, until: now + pause)
                throw error
            }
        }
        do throws(NVMLError) {
            try library.start()
        } catch {
            throw fail(.driverUnusable, error, at: now)
        }
        connection = .started(library, at: now)
        return (library, now)
    }

    private mutating func fail(
        _ kind: DeviceReport.Obstacle.Kind,
        _ error: NVMLError,
        at now: Duration
    ) -> DeviceReport.Obstacle {
        let obstacle = DeviceReport.Obstacle(kind: kind, message: "The NVIDIA driver cannot be used: \(error.message).")
        connection = .failed(obstacle, until: now + pause)
        return obstacle
    }
}

extension NVMLLibrary {
    /// All that is to be known of one GPU and its partitions.
    fileprivate func reading(at index: Int) -> GPUReading {
        do throws(NVMLError) {
            let device = try device(at: index)
            let facts = try facts(of: device)
            guard (try? isPartitioned(device)) == true else {
                return GPUReading(index: index, outcome: .success(facts))
            }
            var partitions: [GPUFacts] = []
            for partition in try self.partitions(of: device) {
                // One that disappears between two calls is simply not there.
                guard var part = try? self.facts(of: partition) else { continue }
                // Partitions have no sensor of their own.
                part.temperatureCelsius = part.temperatureCelsius ?? facts.temperatureCelsius
                partitions.append(part)
            }
            return GPUReading(index: index, outcome: .success(facts), partitions: partitions)
        } catch {
            return GPUReading(index: index, outcome: .failure(error))
        }
    }

    private func facts(of device: NVML.Device) throws(NVMLError) -> GPUFacts {
        var facts = GPUFacts()
        facts.uuid = try optional { () throws(NVMLError) in try uuid(of: device) }
        facts.name = try optional { () throws(NVMLError) in try name(of: device) } ?? ""
        do throws(NVMLError) {
            let memory = try memory(of: device)
            facts.totalBytes = memory.total
            facts.freeBytes = memory.free
        } catch {
            // A GPU that shares the machine's memory does not count its own.
            guard error == .notSupported else { throw error }
        }
        facts.utilisationPercent = try optional { () throws(NVMLError) in try utilisation(of: device) }
        facts.temperatureCelsius = try optional { () throws(NVMLError) in try temperature(of: device) }
        let processes = try optional { () throws(NVMLError) in try self.processes(of: device) } ?? []
        facts.processes = processes.map { process in
            let isKnown = process.usedGpuMemory != NVML.valueNotAvailable
            return DeviceSnapshot.Occupant(
                processID: Int32(truncatingIfNeeded: process.pid),
                usedBytes: isKnown ? Int64(clamping: process.usedGpuMemory) : nil
            )
        }
        return facts
    }

    /// `nil` where a GPU does not tell; throws only if it is gone as a whole.
    private func optional<Value>(_ read: () throws(NVMLError) -> Value) throws(NVMLError) -> Value? {
        do throws(NVMLError) {
            return try read()
        } catch {
            guard !error.meansGPUIsGone else { throw error }
            return nil
        }
    }
}
