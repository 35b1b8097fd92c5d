import Foundation
import Synchronization

/// The processors of this machine and their memory, as the one device `cpu`.
///
/// Reads files of Linux; elsewhere it is an obstacle. The memory is that which the control group of this process leaves:
/// engine processes are in the same one.
package final class HostProbe: DeviceProbe {
    private struct Memory {
        var times: ProcessorTimes?
        var device: DeviceSnapshot?
    }

    private let root: String
    private let memory = Mutex(Memory())

    /// - Parameter root: the folder that has `proc` and `sys`; tests have their own.
    package init(root: String = "") {
        self.root = root
    }

    package func devices() async -> DeviceReport {
        // A few files that are in the kernel's memory: nothing that could block.
        let times = read("/proc/stat").flatMap(ProcessorTimes.init)
        let found = read("/proc/meminfo").flatMap(HostMemory.init(meminfo:))
        let limits = ControlGroups(root: root).limits()
        return memory.withLock { memory in
            defer { memory.times = times ?? memory.times }
            guard let found else { return Self.unreadable(memory.device) }
            let usable = limits.reduce(found) { $0.limited(by: $1) }
            let device = DeviceSnapshot(
                id: "cpu",
                name: "cpu",
                totalBytes: usable.totalBytes,
                freeBytes: usable.freeBytes,
                utilisation: memory.times.flatMap { times?.utilisation(since: $0) }
            )
            memory.device = device
            return DeviceReport(devices: [device])
        }
    }

    private static func unreadable(_ last: DeviceSnapshot?) -> DeviceReport {
        let obstacle = DeviceReport.Obstacle(
            kind: .systemUnreadable,
            message: "The system does not tell how much memory there is: /proc/meminfo cannot be read."
        )
        guard var last else { return DeviceReport(unavailable: obstacle) }
        last.state = .lost(code: obstacle.code, message: obstacle.message)
        return DeviceReport(devices: [last], unavailable: obstacle)
    }

    private func read(_ path: String) -> String? {
        try? String(contentsOfFile: root + path, encoding: .utf8)
    }
}
