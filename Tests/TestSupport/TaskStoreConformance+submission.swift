import Tasks
import Testing

extension TaskStoreConformance {
    static let submission: [TaskStoreConformance] = [
        TaskStoreConformance(name: "A submitted task is read back as it was answered") { world in
            let submission = try await world.submit("a")
            #expect(submission.disposition == .queued)
            #expect(submission.task.status == .queued)
            #expect(try await world.store.task(submission.task.id, of: .standard) == submission.task)
        },
        TaskStoreConformance(name: "A tenant does not see another's task") { world in
            let task = try await world.submit("a", tenant: TenantID(rawValue: "one")).task
            let other = TenantID(rawValue: "two")
            #expect(try await world.store.task(task.id, of: other) == nil)
            #expect(try await world.store.cancel(task.id, of: other) == .notFound)
            #expect(try await world.store.tasks(matching: TaskQuery(tenant: other, limit: 10)).tasks.isEmpty)
        },
        TaskStoreConformance(name: "Equal requests in flight share one generation") { world in
            let first = try await world.submit("a")
            let second = try await world.submit("a")
            #expect(second.disposition == .joined)
            #expect(second.task.id != first.task.id)
            #expect(second.task.generation.id == first.task.generation.id)
            #expect(try await world.claim() != nil)
            let third = try await world.submit("a")
            #expect(third.disposition == .joined)
            #expect(third.task.status == .running)
            #expect(try await world.claim() == nil)
        },
        TaskStoreConformance(name: "A finished key is answered at once") { world in
            let first = try await world.submit("a")
            let claimed = try #require(try await world.claim())
            try await world.store.finish(claimed.lease, with: .fixture(claimed))
            let second = try await world.submit("a")
            #expect(second.disposition == .cached)
            #expect(second.task.status == .succeeded)
            #expect(second.task.isCached)
            #expect(second.task.finishedAt != nil)
            #expect(second.task.generation.result == .fixture)
            #expect(second.task.generation.id == first.task.generation.id)
            #expect(try await world.store.task(second.task.id, of: .standard) == second.task)
            #expect(try await world.claim() == nil)
        },
        TaskStoreConformance(name: "A result of another model answers no later request") { world in
            try await world.submit("a")
            let claimed = try #require(try await world.claim())
            try await world.store.finish(
                claimed.lease,
                with: .succeeded(.fixture, model: "other", answers: nil)
            )
            let second = try await world.submit("a")
            #expect(second.disposition == .queued)
        },
        TaskStoreConformance(name: "A failed key is made again") { world in
            try await world.submit("a")
            let claimed = try #require(try await world.claim())
            try await world.store.finish(claimed.lease, with: .failed(TaskFailure(code: "internal", message: "")))
            let second = try await world.submit("a")
            #expect(second.disposition == .queued)
            #expect(try await world.claim()?.generation.id == second.task.generation.id)
        },
        TaskStoreConformance(name: "A full queue refuses new work and takes what needs no place") { world in
            _ = try await world.store.submit(.fixture("a"), queueLimit: 1)
            await #expect(throws: TaskStoreError.queueFull(limit: 1)) {
                try await world.store.submit(.fixture("b"), queueLimit: 1)
            }
            #expect(try await world.store.submit(.fixture("a"), queueLimit: 1).disposition == .joined)
            #expect(try await world.claim() != nil)
            #expect(try await world.store.submit(.fixture("b"), queueLimit: 1).disposition == .queued)
        },
        TaskStoreConformance(name: "An idempotency key returns the first task") { world in
            let key = NewTask.Idempotency(key: "k", fingerprint: "f")
            let first = try await world.store.submit(.fixture("a", idempotency: key), queueLimit: 10)
            let second = try await world.store.submit(.fixture("a", idempotency: key), queueLimit: 10)
            #expect(second.disposition == .replayed)
            #expect(second.task == first.task)
            #expect(try await world.store.tasks(matching: TaskQuery(tenant: .standard, limit: 10)).tasks.count == 1)
        },
        TaskStoreConformance(name: "An idempotency key with another request is a conflict") { world in
            let first = try await world.store.submit(
                .fixture("a", idempotency: NewTask.Idempotency(key: "k", fingerprint: "f")),
                queueLimit: 10
            )
            await #expect(throws: TaskStoreError.idempotencyConflict(first.task.id)) {
                try await world.store.submit(
                    .fixture("b", idempotency: NewTask.Idempotency(key: "k", fingerprint: "g")),
                    queueLimit: 10
                )
            }
            // Another tenant's keys are its own.
            let other = try await world.store.submit(
                .fixture(
                    "b",
                    tenant: TenantID(rawValue: "other"),
                    idempotency: NewTask.Idempotency(key: "k", fingerprint: "g")
                ),
                queueLimit: 10
            )
            #expect(other.disposition == .queued)
        },
        TaskStoreConformance(name: "A hundred equal submissions at once make one generation") { world in
            let submissions = try await withThrowingTaskGroup(of: Submission.self) { group in
                for _ in 0..<100 { group.addTask { try await world.submit("a") } }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(Set(submissions.map(\.task.id)).count == 100)
            #expect(Set(submissions.map(\.task.generation.id)).count == 1)
            #expect(submissions.count { $0.disposition == .queued } == 1)
        },
    ]
}
