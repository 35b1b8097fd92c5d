import Foundation
import Synchronization
package import Tasks

/// The NVIDIA GPUs that an engine process of this server can use, seen through NVML.
///
/// NVML is loaded at run time; without it the report is empty and says why. Every look has a thread of its own, one at
/// a time: a driver that hangs holds that thread and nothing else. While it hangs, all devices are reported lost, as
/// they were seen last.
package final class NVMLProbe: DeviceProbe {
    package struct Settings: Sendable {
        /// A path, or a name for the system's search.
        package var library: String
        /// The value of `CUDA_VISIBLE_DEVICES`, the same that engine processes get; `nil`: not set.
        package var visibleDevices: String?
        /// How long a report waits for the driver, which at the first look may start up every GPU.
        package var timeLimit: Duration
        /// The least time between two attempts to connect to a driver that could not be used, or that has lost a GPU.
        package var reconnectPause: Duration

        package init(
            library: String = "libnvidia-ml.so.1",
            visibleDevices: String? = ProcessInfo.processInfo.environment["CUDA_VISIBLE_DEVICES"],
            timeLimit: Duration = .seconds(10),
            reconnectPause: Duration = .seconds(30)
        ) {
            self.library = library
            self.visibleDevices = visibleDevices
            self.timeLimit = timeLimit
            self.reconnectPause = reconnectPause
        }
    }

    private struct State {
        var session: NVMLSession
        var roster: GPURoster
        var obstacle: DeviceReport.Obstacle?
        /// When the look began that is under way; monotonic time.
        var lookingSince: Duration?
        var nextWaiter: UInt64 = 0
        /// Those who wait for the look that is under way.
        var waiters: [UInt64: CheckedContinuation<Void, Never>] = [:]
    }

    private let settings: Settings
    private let clock: any ServiceClock
    private let state: Mutex<State>

    package init(settings: Settings = Settings(), clock: any ServiceClock = SystemClock()) {
        self.settings = settings
        self.clock = clock
        state = Mutex(
            State(
                session: NVMLSession(path: settings.library, pause: settings.reconnectPause),
                roster: GPURoster(visible: VisibleDevices(settings.visibleDevices))
            )
        )
    }

    package func devices() async -> DeviceReport {
        let since = beginLook()
        let remaining = settings.timeLimit - (clock.monotonicTime() - since)
        if remaining > .zero {
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await self.waitForLook(begunAt: since) }
                // Cancelled as soon as the look ends, and when the caller is: either way it is over.
                group.addTask { try? await self.clock.sleep(for: remaining) }
                await group.next()
                group.cancelAll()
            }
        }
        return report(ofLookAt: since)
    }

    /// When the look that is under way began; one is started if there is none.
    private func beginLook() -> Duration {
        let now = clock.monotonicTime()
        let (since, session) = state.withLock { state -> (Duration, NVMLSession?) in
            if let since = state.lookingSince { return (since, nil) }
            state.lookingSince = now
            return (now, state.session)
        }
        if let session {
            // It ends by itself when the driver has answered; until then no other is started.
            Thread.detachNewThread {
                var session = session
                let outcome = Result { () throws(DeviceReport.Obstacle) in try session.look(at: now) }
                self.endLook(session, outcome)
            }
        }
        return since
    }

    private func endLook(_ session: NVMLSession, _ outcome: Result<[GPUReading], DeviceReport.Obstacle>) {
        let waiters = state.withLock { state in
            state.session = session
            state.lookingSince = nil
            switch outcome {
            case .success(let readings):
                state.roster.update(with: readings)
                state.obstacle = nil
            case .failure(let obstacle): state.obstacle = obstacle
            }
            defer { state.waiters = [:] }
            return state.waiters.values
        }
        for waiter in waiters { waiter.resume() }
    }

    /// Returns when that look has ended, or the calling task is cancelled.
    private func waitForLook(begunAt since: Duration) async {
        let id = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver = state.withLock { state in
                    guard state.lookingSince == since, !Task.isCancelled else { return true }
                    state.waiters[id] = continuation
                    return false
                }
                if isOver { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.waiters.removeValue(forKey: id) }?.resume()
        }
    }

    private func report(ofLookAt since: Duration) -> DeviceReport {
        let (devices, obstacle, isLooking) = state.withLock { state in
            (state.roster.devices, state.obstacle, state.lookingSince == since)
        }
        guard isLooking else { return DeviceReport(devices: devices, obstacle: obstacle) }
        let waited = (clock.monotonicTime() - since).inSeconds.rounded()
        return DeviceReport(
            devices: devices,
            obstacle: DeviceReport.Obstacle(
                kind: .notResponding,
                message: "The NVIDIA driver has not answered for \(Int(waited)) s."
            )
        )
    }
}

extension DeviceReport {
    /// What is known of devices whose driver cannot be asked: all are lost for that reason.
    fileprivate init(devices: [DeviceSnapshot], obstacle: Obstacle?) {
        self.init(devices: devices, unavailable: obstacle)
        guard let obstacle else { return }
        for index in devices.indices {
            self.devices[index].state = .lost(code: obstacle.code, message: obstacle.message)
        }
    }
}
