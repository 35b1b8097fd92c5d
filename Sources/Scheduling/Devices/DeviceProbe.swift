/// Looks at the devices of one kind on this machine.
///
/// Never fails: what cannot be seen is a value in the report. The ids of a probe and their order are the same in all its
/// reports; a device that was seen once stays in them, as lost if need be.
package protocol DeviceProbe: Sendable {
    /// Looks now. Takes no longer than a bound of the probe's, whatever the driver does.
    func devices() async -> DeviceReport
}

/// What was seen of the devices at one moment.
package struct DeviceReport: Sendable, Equatable {
    /// Each once, always in the same order.
    package var devices: [DeviceSnapshot]
    /// Why nothing, or nothing new, could be seen; `nil` if all went well.
    package var unavailable: Obstacle?

    package init(devices: [DeviceSnapshot] = [], unavailable: Obstacle? = nil) {
        self.devices = devices
        self.unavailable = unavailable
    }

    /// What keeps a probe from seeing.
    package struct Obstacle: Error, Sendable, Equatable {
        package enum Kind: String, Sendable, CaseIterable {
            /// This machine has no library to ask: no driver is installed.
            case notInstalled = "driver_not_installed"
            /// There is a library, but not one that can be used.
            case libraryUnusable = "driver_library_unusable"
            /// The library cannot reach its driver.
            case driverUnusable = "driver_unusable"
            /// The driver has not answered in time.
            case notResponding = "driver_not_responding"
            /// The system does not tell what it has.
            case systemUnreadable = "system_unreadable"
        }

        package var kind: Kind
        /// For people.
        package var message: String

        package init(kind: Kind, message: String) {
            self.kind = kind
            self.message = message
        }

        /// Stable, snake_case.
        package var code: String { kind.rawValue }
    }
}
