import Tasks
import Testing

extension TaskStoreConformance {
    private static let other = TenantID(rawValue: "other")

    static let watching: [TaskStoreConformance] = [
        .init(name: "The events of one task come in order, and can be read on from any of them") { world in
            let id = try await world.submit("a").task.id
            try await world.submit("b")
            let claimed = try #require(try await world.claim(world.generation(of: id)))
            try await world.store.requeue(claimed.lease, Requeue(delay: .zero, countsAsFailure: true, failure: nil))
            _ = try await world.make()
            _ = try await world.make()
            let events = try await world.store.events(of: id, of: .standard, after: 0, limit: 100)
            #expect(events.map(\.kind) == [.queued, .running, .requeued, .running, .succeeded])
            #expect(events.allSatisfy { $0.task == id && $0.tenant == .standard })
            #expect(events == (try await world.store.events(after: 0, limit: 100)).filter { $0.task == id })
            let rest = try await world.store.events(of: id, of: .standard, after: events[1].sequence, limit: 2)
            #expect(rest == Array(events[2...3]))
            let last = try #require(events.last)
            #expect(try await world.store.events(of: id, of: .standard, after: last.sequence, limit: 10).isEmpty)
        },
        .init(name: "Of another tenant's task, of a removed one and of none there are no events") { world in
            let id = try await world.submit("a").task.id
            #expect(try await world.store.events(of: id, of: other, after: 0, limit: 10).isEmpty)
            _ = try await world.store.remove(id, of: .standard)
            #expect(try await world.store.events(of: id, of: .standard, after: 0, limit: 10).isEmpty)
            let none = try NewTask.fixture("a").id
            #expect(try await world.store.events(of: none, of: .standard, after: 0, limit: 10).isEmpty)
        },
        .init(name: "Who watches a task is told of every step that it takes") { world in
            let one = try await world.submit("a").task.id
            // The same generation, for somebody else.
            let two = try await world.submit("a", tenant: other).task.id
            let ids = [one, two]
            var claimed = try #require(
                try await world.expectSigns(of: ids, "claimed") { try await world.claim() }
            )
            try await world.expectSigns(of: ids, "progress") {
                let progress = GenerationProgress(stage: .denoise, step: 1, totalSteps: 50)
                claimed.lease = try await world.store.renew(claimed.lease, for: .seconds(30), progress: progress)
            }
            try await world.expectSigns(of: ids, "requeued") {
                let requeue = Requeue(delay: .zero, countsAsFailure: true, failure: nil)
                try await world.store.requeue(claimed.lease, requeue)
            }
            try await world.expectSigns(of: ids, "raised") {
                _ = try await world.store.setPriority(7, of: one, of: .standard)
            }
            try await world.expectSigns(of: ids, "joined by a more urgent one") {
                try await world.submit("a", tenant: TenantID(rawValue: "third"), priority: 9)
            }
            _ = try await world.claim("lost", for: .zero)
            world.clock.advance(by: .milliseconds(1))
            let reaped = try await world.expectSigns(of: ids, "reaped") {
                try await world.store.reap(RetryPolicy(baseDelay: .zero)).count
            }
            #expect(reaped == 1)
            try await world.expectSigns(of: ids, "finished") { _ = try await world.make() }
            try await world.expectSigns(of: ids, "let go") {
                try await world.store.expire([GenerationResult.fixture.video])
            }
            try await world.expectSigns(of: [one], "made anew") {
                _ = try await world.store.remake(one, of: .standard)
            }
            try await world.expectSigns(of: [one], "cancelled") {
                _ = try await world.store.cancel(one, of: .standard)
            }
            try await world.expectSigns(of: [one], "removed") {
                _ = try await world.store.remove(one, of: .standard)
            }
            world.clock.advance(by: .seconds(100))
            try await world.expectSigns(of: [two], "purged") {
                let retention = Retention(tasks: .zero, events: nil, deliveries: nil, idempotencyKeys: nil)
                _ = try await world.purgeAll(retention)
            }
        },
        .init(name: "Who watches a task is told of no other") { world in
            let watched = try await world.submit("watched").task.id
            let stream = world.store.changes(of: watched)
            let tasks = [try await world.submit("a").task, try await world.submit("a").task]
            let claimed = try #require(try await world.claim(tasks[0].generation.id))
            let progress = GenerationProgress(stage: .denoise, step: 1, totalSteps: 50)
            let lease = try await world.store.renew(claimed.lease, for: .seconds(30), progress: progress)
            _ = try await world.store.cancel(tasks[0].id, of: .standard)
            _ = try await world.store.remove(tasks[0].id, of: .standard)
            _ = try await world.store.cancel(watched, of: other)
            _ = try await world.store.remove(watched, of: other)
            _ = try await world.store.setPriority(3, of: watched, of: other)
            try await world.store.finish(lease, with: .fixture(claimed))
            #expect(await !stream.hasSign())
        },
        .init(name: "Signs that are not read in time become one, and everybody who watches gets them") { world in
            let id = try await world.submit("a").task.id
            let (one, two) = (world.store.changes(of: id), world.store.changes(of: id))
            var claimed = try #require(try await world.claim())
            for step in 1...10 {
                let progress = GenerationProgress(stage: .denoise, step: step, totalSteps: 50)
                claimed.lease = try await world.store.renew(claimed.lease, for: .seconds(30), progress: progress)
            }
            #expect(await one.firstSign())
            #expect(await !one.hasSign())
            #expect(await two.hasSign())
        },
        .init(name: "What is watched ends with the store, and so does what is watched too late") { world in
            let id = try await world.submit("a").task.id
            let old = world.store
            let stream = old.changes(of: id)
            guard let reopen = world.reopen else { return }
            _ = try await reopen()
            for await _ in stream { Issue.record("nothing has changed") }
            for await _ in old.changes(of: id) { Issue.record("the store is closed") }
        },
    ]
}

extension TaskStoreWorld {
    func generation(of id: TaskID, tenant: TenantID = .standard) async throws -> GenerationID {
        try #require(try await store.task(id, of: tenant)).generation.id
    }

    /// Expects that whoever watches the tasks is told of what a body does.
    @discardableResult
    fileprivate func expectSigns<Value>(
        of ids: [TaskID],
        _ what: Comment,
        _ body: () async throws -> Value
    ) async throws -> Value {
        let streams = ids.map { store.changes(of: $0) }
        let value = try await body()
        for stream in streams { #expect(await stream.firstSign(), what) }
        return value
    }
}

extension AsyncStream<Void> {
    /// Waits for a sign, not for ever.
    fileprivate func firstSign() async -> Bool {
        await withTaskGroup(of: Bool.self) { group in
            group.addTask {
                var signs = self.makeAsyncIterator()
                return await signs.next() != nil
            }
            group.addTask {
                // Ends early with the group; the answer is not asked for then.
                try? await Task.sleep(for: .seconds(20))
                return false
            }
            defer { group.cancelAll() }
            return await group.next() ?? false
        }
    }

    /// Whether a sign is there already; the stream ends with the question.
    fileprivate func hasSign() async -> Bool {
        await Task {
            withUnsafeCurrentTask { $0?.cancel() }
            var signs = self.makeAsyncIterator()
            return await signs.next() != nil
        }.value
    }
}
