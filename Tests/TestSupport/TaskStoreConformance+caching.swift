import Tasks
import Testing

extension TaskStoreConformance {
    static let caching: [TaskStoreConformance] = [
        TaskStoreConformance(name: "A refresh makes a finished video anew, and the new one answers") { world in
            let old = try await world.submit("a").task
            try await world.make()
            let refreshed = try await world.submit("a", cache: .refresh)
            #expect(refreshed.disposition == .queued)
            #expect(refreshed.task.generation.id != old.generation.id)
            #expect(try await world.status(old.id) == .succeeded)
            #expect(try await world.submit("a").disposition == .joined)
            try await world.make()
            let later = try await world.submit("a")
            #expect(later.disposition == .cached)
            #expect(later.task.generation.id == refreshed.task.generation.id)
        },
        TaskStoreConformance(name: "A refresh joins what is being made") { world in
            let first = try await world.submit("a")
            #expect(try await world.submit("a", cache: .refresh).disposition == .joined)
            let claimed = try #require(try await world.claim())
            let second = try await world.submit("a", cache: .refresh)
            #expect(second.disposition == .joined)
            #expect(second.task.generation.id == first.task.generation.id)
            try await world.store.finish(claimed.lease, with: .fixture(claimed))
            #expect(try await world.status(second.task.id) == .succeeded)
        },
        TaskStoreConformance(name: "A refresh that the queue has no room for withdraws nothing") { world in
            try await world.submit("a")
            try await world.make()
            await #expect(throws: TaskStoreError.queueFull(limit: 0)) {
                try await world.store.submit(.fixture("a", cache: .refresh), queueLimit: 0)
            }
            #expect(try await world.submit("a").disposition == .cached)
        },
        TaskStoreConformance(name: "A task without cache joins nothing and is joined by none") { world in
            let shared = try await world.submit("a")
            let alone = try await world.submit("a", cache: .off)
            #expect(alone.disposition == .queued)
            #expect(alone.task.generation.id != shared.task.generation.id)
            #expect(try await world.submit("a", cache: .off).disposition == .queued)
            #expect(try await world.submit("a").task.generation.id == shared.task.generation.id)
        },
        TaskStoreConformance(name: "A task without cache is not answered and answers none") { world in
            let alone = try await world.submit("a", cache: .off)
            try await world.make()
            #expect(try await world.status(alone.task.id) == .succeeded)
            #expect(try await world.submit("a").disposition == .queued)
            try await world.make()
            #expect(try await world.submit("a").disposition == .cached)
            #expect(try await world.submit("a", cache: .off).disposition == .queued)
        },
        TaskStoreConformance(name: "A task without cache needs a place in the queue") { world in
            try await world.submit("a")
            await #expect(throws: TaskStoreError.queueFull(limit: 1)) {
                try await world.store.submit(.fixture("a", cache: .off), queueLimit: 1)
            }
        },
        TaskStoreConformance(name: "Cancelling a task without cache ends its own generation and no other") { world in
            let shared = try await world.submit("a").task
            let alone = try await world.submit("a", cache: .off).task
            guard case .cancelled(_, let abandoned) = try await world.store.cancel(alone.id, of: .standard) else {
                Issue.record("not cancelled")
                return
            }
            #expect(abandoned == alone.generation.id)
            #expect(try await world.status(shared.id) == .queued)
            #expect(try await world.claim()?.generation.id == shared.generation.id)
            #expect(try await world.claim() == nil)
        },
        TaskStoreConformance(name: "Cancelling a running task without cache ends its lease") { world in
            let alone = try await world.submit("a", cache: .off).task
            let claimed = try #require(try await world.claim())
            try await world.submit("a")
            guard case .cancelled(_, let abandoned) = try await world.store.cancel(alone.id, of: .standard) else {
                Issue.record("not cancelled")
                return
            }
            #expect(abandoned == alone.generation.id)
            await #expect(throws: TaskStoreError.leaseLost) {
                try await world.store.finish(claimed.lease, with: .fixture(claimed))
            }
            #expect(try await world.submit("a").disposition == .joined)
        },
        TaskStoreConformance(name: "A repeated refresh with one idempotency key is one refresh") { world in
            try await world.submit("a")
            try await world.make()
            let key = NewTask.Idempotency(key: "k", fingerprint: "f")
            let first = try await world.store.submit(
                .fixture("a", idempotency: key, cache: .refresh),
                queueLimit: 10
            )
            try await world.make()
            let second = try await world.store.submit(
                .fixture("a", idempotency: key, cache: .refresh),
                queueLimit: 10
            )
            #expect(second.disposition == .replayed)
            #expect(second.task.id == first.task.id)
            #expect(try await world.claim() == nil)
        },
    ]
}
