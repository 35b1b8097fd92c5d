import NIOCore
import Synchronization
import Tasks

/// Keeps encoded tasks, so that asking again for one that has not changed costs no encoding.
final class TaskBodyCache: Sendable {
    private struct Entry {
        var wire: TaskWire
        var body: ByteBuffer
    }

    /// Two ages: what is not asked for while a whole age fills up is forgotten.
    private struct State {
        var young: [TaskID: Entry] = [:]
        var old: [TaskID: Entry] = [:]
    }

    private let state = Mutex(State())
    private let ageCapacity: Int

    /// - Parameter capacity: bodies kept at most; 0 keeps none.
    init(capacity: Int) {
        ageCapacity = max(0, capacity) / 2
    }

    /// The encoded task.
    ///
    /// Never an older state of it than the one given, its outlook included: a kept body is used only for a task of which
    /// everything that is shown is the same.
    func body(for wire: TaskWire) -> ByteBuffer {
        let id = wire.task.id
        let kept = state.withLock { state in state.young[id] ?? state.old[id] }
        if let kept, kept.wire == wire { return kept.body }
        let body = wire.encoded()
        guard ageCapacity > 0 else { return body }
        let dropped: [TaskID: Entry]? = state.withLock { state in
            state.young[id] = Entry(wire: wire, body: body)
            guard state.young.count >= ageCapacity else { return nil }
            let dropped = state.old
            state.old = state.young
            state.young = [:]
            return dropped
        }
        // Frees many buffers, which nobody should wait for with the lock held.
        _ = dropped
        return body
    }
}
