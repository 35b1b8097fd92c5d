import Celery
import Foundation
import Synchronization
import Tasks
import TestSupport

/// A server that answers what the test says.
final class ScriptedSubmissions: CelerySubmissions {
    private struct State {
        var answer: @Sendable (TaskID) -> CelerySubmission = { .accepted($0, .standard) }
        var ids: [String: TaskID] = [:]
        var tasks: [TaskID: GenerationTask] = [:]
        var submitted = 0
        var listeners: [TaskID: [AsyncStream<Void>.Continuation]] = [:]
    }

    private let state = Mutex(State())
    private let request: VideoRequest

    init() throws {
        request = try .fixture()
    }

    /// How many submissions there were.
    var submitted: Int { state.withLock { $0.submitted } }

    /// The task of an idempotency key.
    func id(_ key: String) -> TaskID? { state.withLock { $0.ids[key] } }

    /// What is answered from now on.
    func answer(_ answer: @escaping @Sendable (TaskID) -> CelerySubmission) {
        state.withLock { $0.answer = answer }
    }

    /// Changes the task of a key, and tells of it.
    func change(_ key: String, _ change: (inout GenerationTask) -> Void) {
        let listeners = state.withLock { state -> [AsyncStream<Void>.Continuation] in
            guard let id = state.ids[key], var task = state.tasks[id] else { return [] }
            change(&task)
            state.tasks[id] = task
            return state.listeners[id] ?? []
        }
        for listener in listeners { listener.yield() }
    }

    /// Puts a task there, as if it had been submitted before.
    func put(_ key: String) -> TaskID {
        state.withLock { state in
            if let id = state.ids[key] { return id }
            let id = TaskID(uuid: UUID())
            state.ids[key] = id
            state.tasks[id] = task(id)
            return id
        }
    }

    func submit(_ body: [UInt8], idempotencyKey: String) async -> CelerySubmission {
        let id = put(idempotencyKey)
        return state.withLock { state in
            state.submitted += 1
            return state.answer(id)
        }
    }

    func sight(of id: TaskID, _ tenant: TenantID) async throws(CeleryUnavailable) -> CelerySight? {
        state.withLock { $0.tasks[id] }.map { task in
            let progress = task.generation.progress.map { #"{"step":\#($0.step),"total_steps":\#($0.totalSteps)}"# }
            let body = #"{"progress":\#(progress ?? "null"),"task_id":"\#(id)"}"#
            return CelerySight(task: task, body: Array(body.utf8))
        }
    }

    func changes(of id: TaskID) -> AsyncStream<Void> {
        let (signs, listener) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        state.withLock { $0.listeners[id, default: []].append(listener) }
        return signs
    }

    func cancel(_ id: TaskID, of tenant: TenantID) async throws(CeleryUnavailable) {
        let key = state.withLock { $0.ids.first { $0.value == id }?.key }
        guard let key else { return }
        change(key) { task in
            guard !task.status.isTerminal else { return }
            task.status = .cancelled
            task.finishedAt = Timestamp(milliseconds: 1000)
        }
    }

    private func task(_ id: TaskID) -> GenerationTask {
        let moment = Timestamp(milliseconds: 0)
        return GenerationTask(
            id: id,
            tenant: .standard,
            status: .queued,
            isCached: false,
            createdAt: moment,
            finishedAt: nil,
            generation: Generation(
                id: GenerationID(rawValue: 1),
                key: GenerationKey(rawValue: "key"),
                request: request,
                seed: 1,
                model: "fixture",
                status: .queued,
                priority: 0,
                attempts: 0,
                failures: 0,
                progress: nil,
                result: nil,
                failure: nil,
                createdAt: moment,
                startedAt: nil
            )
        )
    }
}
