import Synchronization
import Tasks
import Testing

/// The clocks of the machine, and how long they were asked to sleep.
final class ListeningClock: ServiceClock {
    private let clock = SystemClock()
    private let asked = Mutex<[Duration]>([])

    var sleeps: [Duration] { asked.withLock { $0 } }

    func wallTime() -> Timestamp { clock.wallTime() }

    func monotonicTime() -> Duration { clock.monotonicTime() }

    func sleep(for duration: Duration) async throws {
        asked.withLock { $0.append(duration) }
        try await clock.sleep(for: duration)
    }

    /// Returns once somebody has gone to sleep so often.
    func wait(forSleeps count: Int) async throws {
        let deadline = ContinuousClock.now + .seconds(20)
        while sleeps.count < count, ContinuousClock.now < deadline {
            try await Task.sleep(for: .milliseconds(5))
        }
        try #require(sleeps.count >= count)
    }
}
