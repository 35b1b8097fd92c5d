/// What an engine holds on its device.
package struct Warm: Sendable, Hashable {
    /// The model's name.
    package var model: String
    /// By name.
    package var loras: [String]

    package init(model: String, loras: [String] = []) {
        self.model = model
        self.loras = loras
    }
}

/// An engine, as far as placement depends on it.
package struct EngineView: Sendable, Equatable {
    package enum State: Sendable, Equatable {
        /// Takes a generation now.
        case ready
        /// Has no process; it can be started.
        case asleep
        /// Its process comes up, and takes a generation soon.
        case starting
        /// Works; the device is predicted to be free at that second of the caller's clock.
        case busy(until: Double)
        /// Takes nothing for now.
        case down
    }

    /// What assignments name it by.
    package var index: Int
    /// Index of its device among the views.
    package var device: Int
    package var state: State
    /// `nil`: no model is on the device.
    package var warm: Warm?
    /// The predicted peak of what runs, or what the idle engine still holds of the device's memory.
    package var reservedBytes: Int64

    package init(index: Int, device: Int, state: State, warm: Warm? = nil, reservedBytes: Int64 = 0) {
        self.index = index
        self.device = device
        self.state = state
        self.warm = warm
        self.reservedBytes = reservedBytes
    }
}

/// A device and its engines, as far as placement depends on them.
package struct DeviceView: Sendable, Equatable {
    package var id: String
    package var kind: DeviceKind
    /// Not above 0: unknown, and then memory limits nothing.
    package var totalBytes: Int64
    /// What the probe says.
    package var freeBytes: Int64
    /// 0 to 1.
    package var utilisation: Double
    /// Gets nothing new.
    package var isDraining: Bool
    package var engines: [EngineView]

    package init(
        id: String,
        kind: DeviceKind,
        totalBytes: Int64,
        freeBytes: Int64,
        utilisation: Double = 0,
        isDraining: Bool = false,
        engines: [EngineView]
    ) {
        self.id = id
        self.kind = kind
        self.totalBytes = totalBytes
        self.freeBytes = freeBytes
        self.utilisation = utilisation
        self.isDraining = isDraining
        self.engines = engines
    }

    /// The memory that an engine of this device can have now, beside what others have.
    ///
    /// What the engine holds itself counts as free, because it gives that up for what comes next.
    ///
    /// - Parameter engine: position among `engines`.
    /// - Returns: bytes; without a bound where the memory of the device is unknown.
    package func availableBytes(forEngineAt engine: Int) -> Int64 {
        guard totalBytes > 0 else { return .max }
        var others: Int64 = 0
        for index in engines.indices where index != engine { others += engines[index].reservedBytes }
        return max(0, min(totalBytes - others, freeBytes + engines[engine].reservedBytes))
    }
}
