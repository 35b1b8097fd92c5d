import Tasks

/// The device that is kept for the first head that nothing free can take.
extension PlacementRound {
    /// A reservation moves only where that makes the start so much sooner, or predictions that change a little would move
    /// it all the time.
    private static let reluctance = (share: 0.1, seconds: 1.0)

    /// Keeps a device for the head, unless one is kept for an earlier head.
    ///
    /// - Parameter previous: what the last search kept.
    mutating func reserve(_ previous: Reservation?) {
        guard reserved == nil else { return }
        var best: Reservation?
        var kept: Reservation?
        for device in devices.indices where !devices[device].isDraining {
            let wasKept = device == previous?.device && id == previous?.generation
            // Most devices are passed over by this alone.
            guard wasKept || firstEnd(on: device) < best?.start ?? .infinity, let bytes = bytes(on: device),
                let start = start(on: device, bytes: bytes)
            else { continue }
            let here = Reservation(generation: id, device: device, start: start, bytes: bytes)
            if start < best?.start ?? .infinity { best = here }
            if wasKept { kept = here }
        }
        guard let best else { return }
        if let kept, kept.start <= best.start + Self.reluctance.seconds + Self.reluctance.share * (best.start - now) {
            keep(kept)
        } else {
            keep(best)
        }
    }

    /// Whether something may run on an engine without making the one that the device is kept for start later.
    ///
    /// - Parameters:
    ///   - engine: index of the engine.
    ///   - device: index of its device.
    ///   - bytes: what it needs.
    ///   - end: when it is predicted to be done.
    /// - Returns: `false` if it would.
    func isBackfill(_ engine: Int, of device: Int, bytes: Int64, until end: Double) -> Bool {
        guard let reserved, reserved.device == device, reserved.generation != id, end > reserved.start else {
            return true
        }
        let later = start(on: device, bytes: reserved.bytes, with: (engine, bytes, end))
        return later.map { $0 <= reserved.start } ?? false
    }

    /// When the first engine of a device is predicted to be free; never, if nothing says that one will be.
    private func firstEnd(on device: Int) -> Double {
        var first = Double.infinity
        for position in devices[device].engines.indices {
            switch devices[device].engines[position].state {
            case .ready: return now
            case .busy(let until): first = min(first, Self.end(until, at: now))
            case .asleep, .starting, .down: break
            }
        }
        return first
    }

    /// When an engine of a device is predicted to be free, with room for so much.
    ///
    /// Models that idle engines hold are not in the way: they can leave.
    ///
    /// - Parameters:
    ///   - device: index of the device.
    ///   - bytes: what is needed.
    ///   - extra: something that runs on one of the free engines.
    /// - Returns: seconds of the caller's clock; `nil` if nothing says that it will be.
    private func start(
        on device: Int,
        bytes: Int64,
        with extra: (engine: Int, bytes: Int64, end: Double)? = nil
    ) -> Double? {
        let engines = devices[device].engines
        /// When an engine is free; `nil`: not foreseeable.
        func end(_ engine: EngineView) -> Double? {
            if let extra, extra.engine == engine.index { return extra.end }
            return switch engine.state {
            case .ready: now
            case .busy(let until): Self.end(until, at: now)
            case .asleep, .starting, .down: nil
            }
        }
        func needs(_ engine: EngineView) -> Int64 {
            if let extra, extra.engine == engine.index { return extra.bytes }
            return engine.state == .ready ? 0 : engine.reservedBytes
        }
        var earliest: Double?
        for free in engines {
            guard let moment = end(free), moment < earliest ?? .infinity else { continue }
            var inUse: Int64 = 0
            for other in engines where end(other) ?? .infinity > moment { inUse += needs(other) }
            if devices[device].totalBytes <= 0 || devices[device].totalBytes - inUse >= bytes { earliest = moment }
        }
        return earliest
    }

    /// When something is over that was predicted to be by then: what is overdue is expected to take half as long again as
    /// it is overdue already, so that nobody waits for ever for what hangs.
    private static func end(_ until: Double, at now: Double) -> Double {
        until >= now ? until : now + (now - until) / 2
    }
}
