import Tasks
import Testing

extension TaskStoreConformance {
    private static let trace = TraceContext(
        parent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        state: "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE"
    )
    private static let otherTrace = TraceContext(parent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00")

    static let traces: [TaskStoreConformance] = [
        TaskStoreConformance(name: "A task keeps the trace of its request, over a restart as well") { world in
            let task = try await world.submit("a") { $0.trace = trace }.task
            #expect(task.trace == trace && trace != nil)
            #expect(try await world.store.task(task.id, of: .standard)?.trace == trace)
            #expect(try await world.submit("b").task.trace == nil)
            let store = try await world.reopen?() ?? world.store
            let kept = try await store.task(task.id, of: .standard)
            #expect(kept?.trace == trace && kept?.generation.trace == trace)
        },
        TaskStoreConformance(name: "A generation has the trace of the first, and tells of all that wait for it") {
            world in
            let first = try await world.submit("a") { $0.trace = trace }.task
            let second = try await world.submit("a") { $0.trace = otherTrace }.task
            let third = try await world.submit("a").task
            #expect(second.trace == otherTrace && second.generation.trace == trace)
            _ = try await world.store.cancel(third.id, of: .standard)
            let claimed = try #require(try await world.claim())
            #expect(claimed.generation.trace == trace)
            #expect(
                claimed.tasks == [
                    WaitingTask(id: first.id, trace: trace), WaitingTask(id: second.id, trace: otherTrace),
                ])
        },
        TaskStoreConformance(name: "What is made anew for a task has the task's trace") { world in
            try await world.submit("a") { $0.trace = trace }
            try await world.make()
            let task = try await world.submit("a") { $0.trace = otherTrace }.task
            #expect(task.isCached && task.trace == otherTrace && task.generation.trace == trace)
            let remade = try await world.store.remake(task.id, of: .standard)
            #expect(remade.task.trace == otherTrace && remade.task.generation.trace == otherTrace)
        },
        TaskStoreConformance(name: "A second try with the same key has the trace of the first") { world in
            let key = NewTask.Idempotency(key: "k", fingerprint: "f")
            let first = try await world.submit("a") { ($0.idempotency, $0.trace) = (key, trace) }.task
            let second = try await world.submit("a") { ($0.idempotency, $0.trace) = (key, otherTrace) }
            #expect(second.disposition == .replayed && second.task.id == first.id && second.task.trace == trace)
        },
    ]
}
