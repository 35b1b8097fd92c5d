import Foundation
import Synchronization
import TestSupport
import Testing

@testable import Engine

@Suite("States of an engine, and who follows them")
struct EngineStateBoardTests {
    private static let faults = ["a", "b", "c", "d"].map { EngineFault(code: $0, message: "") }

    @Test("Whoever stops following while a state is shown holds up nobody")
    func leavingWhileTold() async throws {
        let board = EngineStateBoard(.starting)
        for _ in 0..<2_000 {
            let follower = Task { for await _ in board.states() {} }
            // Some leave before they listen.
            for _ in 0..<Int.random(in: 0..<4) { await Task.yield() }
            let publishing = Self.onThread { for fault in Self.faults { board.publish(.restarting(fault)) } }
            let leaving = Self.onThread { follower.cancel() }
            try await publishing.end()
            try await leaving.end()
            await follower.value
        }
    }

    @Test("A follower that reads last of all reads the newest, whoever published it")
    func newestLast() async throws {
        for _ in 0..<200 {
            let board = EngineStateBoard(.starting)
            let stream = board.states()
            let publishing = Self.faults.map { fault in Self.onThread { board.publish(.restarting(fault)) } }
            for thread in publishing { try await thread.end() }
            let newest = board.state
            // The last thread that had something to tell has told it.
            var reader = stream.makeAsyncIterator()
            #expect(await reader.next() == newest)
        }
    }

    @Test("A follower sees the state there is and each that comes, up to the end")
    func order() async {
        let board = EngineStateBoard(.starting)
        var reader = board.states().makeAsyncIterator()
        #expect(await reader.next() == .starting)
        board.publish(.restarting(Self.faults[0]))
        #expect(await reader.next() == .restarting(Self.faults[0]))
        board.publish(.restarting(Self.faults[0]))
        board.publish(.restarting(Self.faults[1]))
        #expect(await reader.next() == .restarting(Self.faults[1]))
        board.publish(.stopped)
        board.publish(.starting)
        #expect(await reader.next() == .stopped)
        #expect(await reader.next() == nil)
        var late = board.states().makeAsyncIterator()
        #expect(await late.next() == .stopped)
        #expect(await late.next() == nil)
    }

    /// Does something on a thread of its own.
    private static func onThread(_ body: @escaping @Sendable () -> Void) -> ThreadEnd {
        let end = ThreadEnd()
        Thread.detachNewThread {
            body()
            end.isReached.withLock { $0 = true }
        }
        return end
    }

    /// The end of what a thread does, which may never come.
    private final class ThreadEnd: Sendable {
        let isReached = Mutex(false)

        func end() async throws {
            let deadline = ContinuousClock.now + .seconds(20)
            while !isReached.withLock({ $0 }) {
                try #require(ContinuousClock.now < deadline, "a thread is stuck")
                try await Task.sleep(for: .microseconds(100))
            }
        }
    }
}
