import Tasks
import Testing

extension TaskStoreConformance {
    private static let other = TenantID(rawValue: "other")
    private static let video = GenerationResult.fixture.video
    /// Keeps everything that was not removed.
    private static let forEver = Retention(tasks: nil, events: nil, deliveries: nil, idempotencyKeys: nil)

    static let removing: [TaskStoreConformance] = [
        .init(name: "A task that waits is cancelled with its generation, and gone") { world in
            let task = try await world.submit("a").task
            guard case .cancelled(let gone, let abandoned) = try await world.store.remove(task.id, of: .standard)
            else {
                Issue.record("not cancelled")
                return
            }
            #expect(gone.status == .cancelled)
            #expect(abandoned == task.generation.id)
            #expect(try await world.claim() == nil)
            try await world.expectGone(task.id)
            #expect(try await world.events(of: task.id) == [.queued, .cancelled])
        },
        .init(name: "A task that runs ends its lease, and is gone") { world in
            let task = try await world.submit("a").task
            let claimed = try #require(try await world.claim())
            guard case .cancelled(_, let abandoned) = try await world.store.remove(task.id, of: .standard) else {
                Issue.record("not cancelled")
                return
            }
            #expect(abandoned == claimed.generation.id)
            await #expect(throws: TaskStoreError.leaseLost) {
                try await world.store.renew(claimed.lease, for: .seconds(1), progress: nil)
            }
            try await world.expectGone(task.id)
        },
        .init(name: "A generation goes on while another task wants it, without the one that is gone") { world in
            let one = try await world.submit("a").task
            let two = try await world.submit("a", tenant: other).task
            let claimed = try #require(try await world.claim())
            guard case .cancelled(_, abandoned: nil) = try await world.store.remove(one.id, of: .standard) else {
                Issue.record("the generation was abandoned")
                return
            }
            let progress = GenerationProgress(stage: .denoise, step: 1, totalSteps: 50)
            let lease = try await world.store.renew(claimed.lease, for: .seconds(30), progress: progress)
            try await world.expectGone(one.id)
            try await world.store.finish(lease, with: .fixture(claimed))
            try await world.expectGone(one.id)
            #expect(try await world.status(two.id, of: other) == .succeeded)
            #expect(try await world.store.owns(other, video: video))
        },
        .init(name: "A task that has ended is gone, and its video answers equal requests") { world in
            let task = try await world.submit("a").task
            try await world.make()
            guard case .alreadyEnded(let ended) = try await world.store.remove(task.id, of: .standard) else {
                Issue.record("a finished task was cancelled")
                return
            }
            #expect(ended.status == .succeeded)
            try await world.expectGone(task.id)
            let again = try await world.submit("a").task
            #expect(again.isCached)
            #expect(try await world.store.owns(.standard, video: video))
        },
        .init(name: "What is not there, is gone already or is another tenant's is not found, and stays") { world in
            let task = try await world.submit("a").task
            #expect(try await world.store.remove(task.id, of: other) == .notFound)
            #expect(try await world.status(task.id) == .queued)
            _ = try await world.store.remove(task.id, of: .standard)
            #expect(try await world.store.remove(task.id, of: .standard) == .notFound)
            #expect(try await world.store.remove(NewTask.fixture("a").id, of: .standard) == .notFound)
        },
        .init(name: "An idempotency key of a task that is gone makes it anew, and then stands for the new one") {
            world in
            let key = NewTask.Idempotency(key: "k", fingerprint: "f")
            let first = try await world.store.submit(.fixture("a", idempotency: key), queueLimit: 10).task
            _ = try await world.store.remove(first.id, of: .standard)
            let second = try await world.store.submit(.fixture("a", idempotency: key), queueLimit: 10)
            #expect(second.disposition == .queued)
            #expect(second.task.id != first.id)
            let third = try await world.store.submit(.fixture("a", idempotency: key), queueLimit: 10)
            #expect(third.disposition == .replayed)
            #expect(third.task.id == second.task.id)
        },
        .init(name: "A purge takes what was removed at once, whatever is kept for how long") { world in
            let gone = try await world.submit("a").task.id
            let kept = try await world.submit("b").task.id
            try await world.make(video)
            try await world.make("other")
            _ = try await world.store.remove(gone, of: .standard)
            // The task and its three events.
            #expect(try await world.purgeAll(forEver) == 4)
            #expect(try await world.events(of: gone).isEmpty)
            #expect(try await world.events(of: kept).count == 3)
            #expect(try await world.status(kept) == .succeeded)
            #expect(try await world.submit("a").disposition == .cached)
        },
        .init(name: "A purge takes the generation with its last task, and leaves one that others have") { world in
            try await world.submit("alone", cache: .off)
            try await world.make("alone")
            let ids = [try await world.submit("shared").task.id, try await world.submit("shared").task.id]
            try await world.make("shared")
            let all = try await world.store.tasks(matching: TaskQuery(tenant: .standard, limit: 10)).tasks
            for task in all where task.id != ids[1] { _ = try await world.store.remove(task.id, of: .standard) }
            _ = try await world.purgeAll(forEver)
            #expect(try await world.store.videos(["alone", "shared"]).keys.sorted() == ["shared"])
            #expect(try await world.status(ids[1]) == .succeeded)
        },
        .init(name: "What was removed stays gone when the store is opened again") { world in
            guard let reopen = world.reopen else { return }
            let ended = try await world.submit("a").task.id
            try await world.make()
            let waiting = try await world.submit("b").task.id
            for id in [ended, waiting] { _ = try await world.store.remove(id, of: .standard) }
            var reopened = world
            reopened.store = try await reopen()
            for id in [ended, waiting] { try await reopened.expectGone(id) }
            #expect(try await reopened.store.heads().count == 0)
            #expect(try await reopened.submit("a").disposition == .cached)
        },
    ]
}

extension TaskStoreWorld {
    /// Expects that nothing finds a task of the standard tenant, nor its video.
    fileprivate func expectGone(_ id: TaskID) async throws {
        #expect(try await store.task(id, of: .standard) == nil)
        #expect(try await store.owner(of: id) == nil)
        #expect(try await store.cancel(id, of: .standard) == .notFound)
        #expect(try await store.setPriority(1, of: id, of: .standard) == nil)
        await #expect(throws: TaskStoreError.notFound) { try await store.remake(id, of: .standard) }
        #expect(try await !store.owns(.standard, video: GenerationResult.fixture.video))
        for tenant in [TenantID.standard, nil] {
            for status in [TaskStatus?.none] + TaskStatus.allCases {
                let page = try await store.tasks(matching: TaskQuery(tenant: tenant, status: status, limit: 100))
                #expect(page.tasks.allSatisfy { $0.id != id })
            }
        }
    }
}
