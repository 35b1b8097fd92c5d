package import Logging
import ServiceLifecycle
import Synchronization
package import Tasks

/// Looks at the devices again and again, so that anyone can read what was seen last without waiting.
package struct DeviceMonitor: Service {
    private let probes: [any DeviceProbe]
    private let interval: Duration
    private let clock: any ServiceClock
    private let logger: Logger
    private let reports: Reports

    /// What each probe has said last, in their order.
    private final class Reports: Sendable {
        let newest: Mutex<[DeviceReport]>

        init(count: Int) {
            newest = Mutex(Array(repeating: DeviceReport(), count: count))
        }
    }

    /// - Parameters:
    ///   - probes: whose devices have different ids.
    ///   - interval: from the end of a look to the next one.
    ///   - clock: for the interval.
    ///   - logger: told when a device is lost and when it is back.
    package init(
        probes: [any DeviceProbe],
        interval: Duration = .seconds(2),
        clock: any ServiceClock = SystemClock(),
        logger: Logger
    ) {
        self.probes = probes
        self.interval = interval
        self.clock = clock
        self.logger = logger
        reports = Reports(count: probes.count)
    }

    /// What was seen last, of the first probe first; empty before the first look.
    ///
    /// Of several obstacles it has the first.
    package var latest: DeviceReport {
        reports.newest.withLock { reports in
            DeviceReport(
                devices: reports.flatMap(\.devices),
                unavailable: reports.lazy.compactMap(\.unavailable).first
            )
        }
    }

    package func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                await look()
                do { try await clock.sleep(for: interval) } catch { return }
            }
        }
    }

    /// Looks once, at all probes' devices at the same time; for whoever cannot wait for the next look.
    package func look() async {
        await withTaskGroup(of: (Int, DeviceReport).self) { group in
            for (index, probe) in probes.enumerated() {
                group.addTask { (index, await probe.devices()) }
            }
            // Each at once: a driver that hangs does not make the others' reports old.
            for await (index, report) in group { take(report, from: index) }
        }
    }

    private func take(_ report: DeviceReport, from index: Int) {
        let before = reports.newest.withLock { reports in
            let before = reports[index]
            reports[index] = report
            return before
        }
        for change in DeviceChange.changes(from: before, to: report) { log(change) }
    }

    private func log(_ change: DeviceChange) {
        switch change {
        case .lost(let device, let code, let message):
            logger.error(
                "A device is lost",
                metadata: ["device": "\(device)", "code": "\(code)", "reason": "\(message)"]
            )
        case .isBack(let device):
            logger.notice("A device is back", metadata: ["device": "\(device)"])
        case .obstructed(let obstacle):
            // A machine without GPUs is no trouble.
            logger.log(
                level: obstacle.kind == .notInstalled ? .info : .warning,
                "Devices cannot be seen",
                metadata: ["code": "\(obstacle.code)", "reason": "\(obstacle.message)"]
            )
        }
    }
}

/// What a person would want to know of two reports, one after the other.
enum DeviceChange: Sendable, Equatable {
    case lost(device: String, code: String, message: String)
    case isBack(device: String)
    case obstructed(DeviceReport.Obstacle)

    /// What is different in the later of two reports of one probe.
    static func changes(from earlier: DeviceReport, to later: DeviceReport) -> [DeviceChange] {
        var changes: [DeviceChange] = []
        if let obstacle = later.unavailable, obstacle.kind != earlier.unavailable?.kind {
            changes.append(.obstructed(obstacle))
        }
        for device in later.devices {
            let wasPresent = earlier.devices.first { $0.id == device.id }?.isPresent
            switch device.state {
            case .lost(let code, let message) where wasPresent != false:
                changes.append(.lost(device: device.id, code: code, message: message))
            case .present where wasPresent == false: changes.append(.isBack(device: device.id))
            case .lost, .present: continue
            }
        }
        return changes
    }
}
