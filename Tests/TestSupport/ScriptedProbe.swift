package import Scheduling
import Synchronization

/// A probe that reports what a test tells it.
package final class ScriptedProbe: DeviceProbe {
    private struct State {
        var report: DeviceReport
        /// Seen at least once, as it was last present.
        var seen: [DeviceSnapshot] = []
        var looks = 0
    }

    private let state: Mutex<State>

    package init(_ devices: [DeviceSnapshot]) {
        state = Mutex(State(report: DeviceReport(devices: devices)))
    }

    /// How often it was asked.
    package var looks: Int { state.withLock { $0.looks } }

    package func devices() async -> DeviceReport {
        state.withLock { state in
            state.looks += 1
            guard let obstacle = state.report.unavailable else {
                state.seen = state.report.devices
                return state.report
            }
            let lost = state.seen.map { device in
                var device = device
                device.state = .lost(code: obstacle.code, message: obstacle.message)
                return device
            }
            return DeviceReport(devices: lost, unavailable: obstacle)
        }
    }

    /// Changes the state of one device.
    package func set(_ state: DeviceSnapshot.State, of id: String) {
        self.state.withLock { own in
            for index in own.report.devices.indices where own.report.devices[index].id == id {
                own.report.devices[index].state = state
            }
        }
    }

    /// Puts an obstacle in the way, or takes it away.
    package func obstruct(_ obstacle: DeviceReport.Obstacle?) {
        state.withLock { $0.report.unavailable = obstacle }
    }
}
