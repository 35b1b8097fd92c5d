import Testing

@testable import Scheduling

@Suite("The pause after a failed load")
struct LoadFailurePauseTests {
    @Test("It doubles from a second to a minute, and starts anew after a success")
    func pauses() {
        var pause = LoadFailurePause()
        #expect((0..<8).map { _ in pause.next() } == [1, 2, 4, 8, 16, 32, 60, 60].map { .seconds($0) })
        pause.reset()
        #expect(pause.next() == .seconds(1))
    }
}

@Suite("The wake signal")
struct WakeSignalTests {
    @Test("A signal between the look and the wait is not missed")
    func notMissed() async {
        let signal = WakeSignal()
        let seen = signal.count
        signal.signal()
        await signal.wait(after: seen)
    }

    @Test("One signal wakes everyone who waits")
    func everyone() async {
        let signal = WakeSignal()
        let seen = signal.count
        await withTaskGroup { group in
            for _ in 0..<10 { group.addTask { await signal.wait(after: seen) } }
            group.addTask { signal.signal() }
        }
        #expect(signal.count == seen + 1)
    }

    @Test("A cancelled wait ends")
    func cancelled() async {
        let signal = WakeSignal()
        await withTaskGroup { group in
            group.addTask { await signal.wait(after: signal.count) }
            group.cancelAll()
        }
    }
}
