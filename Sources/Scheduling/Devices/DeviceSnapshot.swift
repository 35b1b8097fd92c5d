/// A device as it was seen at one moment.
package struct DeviceSnapshot: Sendable, Equatable {
    package enum State: Sendable, Equatable {
        case present
        /// It was seen, or has to be there, and cannot be reached; everything else is what was seen last.
        case lost(code: String, message: String)
    }

    /// A process that has memory on the device.
    package struct Occupant: Sendable, Equatable {
        package var processID: Int32
        /// `nil` where the driver does not tell.
        package var usedBytes: Int64?

        package init(processID: Int32, usedBytes: Int64?) {
            self.processID = processID
            self.usedBytes = usedBytes
        }
    }

    /// `cpu`, or `cuda:0` and so on as an engine process of this server numbers them.
    package var id: String
    /// What the maker numbers it by; empty where there is no such thing or it could never be read.
    package var uuid: String
    /// The make, as in `NVIDIA A100-SXM4-80GB`; `cpu` for the processor.
    package var name: String
    /// 0: unknown.
    package var totalBytes: Int64
    /// 0 to `totalBytes`.
    package var freeBytes: Int64
    /// 0 to 1; `nil` where it cannot be measured.
    package var utilisation: Double?
    /// `nil` where it cannot be measured.
    package var temperatureCelsius: Int?
    /// Those that the driver tells of.
    package var processes: [Occupant]
    package var state: State

    /// Makes sense of what a driver says: no negative memory, no more free than there is, no utilisation beyond 1.
    package init(
        id: String,
        uuid: String = "",
        name: String,
        totalBytes: Int64,
        freeBytes: Int64,
        utilisation: Double? = nil,
        temperatureCelsius: Int? = nil,
        processes: [Occupant] = [],
        state: State = .present
    ) {
        self.id = id
        self.uuid = uuid
        self.name = name
        self.totalBytes = max(0, totalBytes)
        self.freeBytes = min(max(0, freeBytes), self.totalBytes)
        self.utilisation = utilisation.flatMap { $0.isFinite ? min(max(0, $0), 1) : nil }
        self.temperatureCelsius = temperatureCelsius
        self.processes = processes
        self.state = state
    }

    package var isPresent: Bool { state == .present }
}
