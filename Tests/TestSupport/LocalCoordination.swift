import Foundation
import Synchronization
package import Tasks

/// The coordination of processes that are all in this one, for tests.
package final class LocalCoordination: Coordination {
    private struct Duty {
        var holder: WorkerID
        var until: Duration
    }

    private struct Topic {
        var kept: [[UInt8]] = []
        var listeners: [UUID: AsyncStream<[UInt8]>.Continuation] = [:]
    }

    private struct State {
        var members: [WorkerID: (member: Member, until: Duration)] = [:]
        var duties: [String: Duty] = [:]
        var agreed: [String: [UInt8]] = [:]
        var topics: [String: Topic] = [:]
        var isDown = false
    }

    private static let readerLimit = 10_000

    private let clock: any ServiceClock
    private let state = Mutex(State())

    /// - Parameter clock: of all lifetimes.
    package init(clock: any ServiceClock = SystemClock()) {
        self.clock = clock
    }

    /// Whether every call fails, as if the server behind it were gone.
    package var isDown: Bool {
        get { state.withLock { $0.isDown } }
        set { state.withLock { $0.isDown = newValue } }
    }

    package func announce(_ member: Member, for lifetime: Duration) async throws(TaskStoreError) {
        try change { state in state.members[member.id] = (member, clock.monotonicTime() + lifetime) }
    }

    package func withdraw(_ id: WorkerID) async throws(TaskStoreError) {
        try change { $0.members[id] = nil }
    }

    package func members() async throws(TaskStoreError) -> [Member] {
        let now = clock.monotonicTime()
        return try change { state in
            state.members.values.filter { $0.until > now }.map(\.member).sorted { $0.id.rawValue < $1.id.rawValue }
        }
    }

    package func lead(
        _ duty: String,
        as id: WorkerID,
        for duration: Duration
    ) async throws(TaskStoreError) -> Bool {
        let now = clock.monotonicTime()
        return try change { state in
            if let held = state.duties[duty], held.holder != id, held.until > now { return false }
            state.duties[duty] = Duty(holder: id, until: now + duration)
            return true
        }
    }

    package func agree(on name: String, proposing value: [UInt8]) async throws(TaskStoreError) -> [UInt8] {
        try change { state in
            if state.agreed[name] == nil { state.agreed[name] = value }
            return state.agreed[name] ?? value
        }
    }

    package func post(_ message: [UInt8], to topic: String, keeping: Int) async throws(TaskStoreError) {
        try change { state in
            var entry = state.topics[topic] ?? Topic()
            entry.kept = Array((entry.kept + [message]).suffix(keeping))
            state.topics[topic] = entry
            // Whoever has left is found here: told under the lock, nobody may need it to leave.
            for (id, listener) in entry.listeners {
                if case .terminated = listener.yield(message) { state.topics[topic]?.listeners[id] = nil }
            }
        }
    }

    package func messages(of topic: String) -> AsyncStream<[UInt8]> {
        let (stream, continuation) = AsyncStream.makeStream(
            of: [UInt8].self,
            bufferingPolicy: .bufferingNewest(Self.readerLimit)
        )
        state.withLock { state in
            for message in state.topics[topic]?.kept ?? [] { continuation.yield(message) }
            state.topics[topic, default: Topic()].listeners[UUID()] = continuation
        }
        return stream
    }

    private func change<Value: Sendable>(
        _ body: (inout sending State) throws(TaskStoreError) -> sending Value
    ) throws(TaskStoreError) -> Value {
        try state.withLock { (state) throws(TaskStoreError) in
            guard !state.isDown else { throw .unavailable("down") }
            return try body(&state)
        }
    }
}
