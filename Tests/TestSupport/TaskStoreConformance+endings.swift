import Tasks
import Testing

extension TaskStoreConformance {
    static let endings: [TaskStoreConformance] = [
        TaskStoreConformance(name: "Success reaches every waiting task, with its event") { world in
            let ids = [try await world.submit("a").task.id, try await world.submit("a").task.id]
            let claimed = try #require(try await world.claim())
            try await world.store.finish(claimed.lease, with: .fixture(claimed))
            for id in ids {
                let task = try #require(try await world.store.task(id, of: .standard))
                #expect(task.status == .succeeded)
                #expect(task.finishedAt == world.clock.wallTime())
                #expect(task.generation.result == .fixture)
                #expect(!task.isCached)
                #expect(try await world.events(of: id) == [.queued, .running, .succeeded])
            }
        },
        TaskStoreConformance(name: "Failure says why") { world in
            let id = try await world.submit("a").task.id
            let claimed = try #require(try await world.claim())
            let failure = TaskFailure(code: "out_of_memory", message: "no room")
            try await world.store.finish(claimed.lease, with: .failed(failure))
            let task = try #require(try await world.store.task(id, of: .standard))
            #expect(task.status == .failed)
            #expect(task.generation.failure == failure)
            #expect(try await world.events(of: id) == [.queued, .running, .failed])
        },
        TaskStoreConformance(name: "A generation ends once") { world in
            let id = try await world.submit("a").task.id
            let claimed = try #require(try await world.claim())
            try await world.store.finish(claimed.lease, with: .fixture(claimed))
            await #expect(throws: TaskStoreError.leaseLost) {
                try await world.store.finish(claimed.lease, with: .failed(TaskFailure(code: "x", message: "")))
            }
            #expect(try await world.status(id) == .succeeded)
            #expect(try await world.events(of: id) == [.queued, .running, .succeeded])
        },
        TaskStoreConformance(name: "A requeue keeps the attempts and counts the failure") { world in
            let id = try await world.submit("a").task.id
            let failure = TaskFailure(code: "engine_crashed", message: "gone")
            let first = try #require(try await world.claim())
            try await world.store.requeue(
                first.lease,
                Requeue(delay: .zero, countsAsFailure: true, failure: failure)
            )
            let waiting = try #require(try await world.store.task(id, of: .standard))
            #expect(waiting.status == .queued)
            #expect(waiting.generation.attempts == 1)
            #expect(waiting.generation.failures == 1)
            #expect(waiting.generation.failure == failure)
            #expect(waiting.generation.progress == nil)
            let second = try #require(try await world.claim())
            #expect(second.generation.attempts == 2)
            try await world.store.requeue(
                second.lease,
                Requeue(delay: .zero, countsAsFailure: false, failure: nil)
            )
            let third = try #require(try await world.claim())
            #expect(third.generation.attempts == 3)
            #expect(third.generation.failures == 1)
            #expect(
                try await world.events(of: id) == [.queued, .running, .requeued, .running, .requeued, .running]
            )
        },
        TaskStoreConformance(name: "A result that is gone is made anew for the task that found out") { world in
            let first = try await world.submit("a").task
            let claimed = try #require(try await world.claim())
            try await world.store.finish(claimed.lease, with: .fixture(claimed))
            let cached = try await world.submit("a").task
            let remade = try await world.store.remake(cached.id, of: .standard)
            #expect(remade.disposition == .queued)
            #expect(remade.task.id == cached.id)
            #expect(remade.task.status == .queued)
            #expect(!remade.task.isCached)
            #expect(try await world.store.task(cached.id, of: .standard) == remade.task)
            #expect(try await world.status(first.id) == .succeeded)
            let second = try #require(try await world.claim())
            #expect(second.generation.id != claimed.generation.id)
            #expect(second.generation.seed == claimed.generation.seed)
            try await world.store.finish(second.lease, with: .fixture(second))
            #expect(try await world.status(cached.id) == .succeeded)
            #expect(try await world.submit("a").disposition == .cached)
        },
        TaskStoreConformance(name: "Two tasks that find a result gone have it made once") { world in
            try await world.submit("a")
            try await world.make()
            let one = try await world.submit("a").task
            let two = try await world.submit("a").task
            #expect(try await world.store.remake(one.id, of: .standard).disposition == .queued)
            #expect(try await world.store.remake(two.id, of: .standard).disposition == .joined)
            #expect(try await world.claim() != nil)
            #expect(try await world.claim() == nil)
        },
    ]

    static let cancelling: [TaskStoreConformance] = [
        TaskStoreConformance(name: "Cancelling the only waiting task takes its generation from the queue") { world in
            let task = try await world.submit("a").task
            guard case .cancelled(let cancelled, let abandoned) = try await world.store.cancel(task.id, of: .standard)
            else {
                Issue.record("not cancelled")
                return
            }
            #expect(cancelled.status == .cancelled)
            #expect(abandoned == task.generation.id)
            #expect(try await world.claim() == nil)
            #expect(try await world.events(of: task.id) == [.queued, .cancelled])
            #expect(try await world.submit("a").disposition == .queued)
        },
        TaskStoreConformance(name: "Cancelling the only running task ends the lease") { world in
            let task = try await world.submit("a").task
            let claimed = try #require(try await world.claim())
            guard case .cancelled(_, let abandoned) = try await world.store.cancel(task.id, of: .standard) else {
                Issue.record("not cancelled")
                return
            }
            #expect(abandoned == claimed.generation.id)
            await #expect(throws: TaskStoreError.leaseLost) {
                try await world.store.renew(claimed.lease, for: .seconds(1), progress: nil)
            }
            await #expect(throws: TaskStoreError.leaseLost) {
                try await world.store.finish(claimed.lease, with: .fixture(claimed))
            }
            #expect(try await world.status(task.id) == .cancelled)
            #expect(try await world.events(of: task.id) == [.queued, .running, .cancelled])
        },
        TaskStoreConformance(name: "A generation goes on while another task wants it") { world in
            let one = try await world.submit("a").task
            let two = try await world.submit("a").task
            let claimed = try #require(try await world.claim())
            guard case .cancelled(_, abandoned: nil) = try await world.store.cancel(one.id, of: .standard) else {
                Issue.record("the generation was abandoned")
                return
            }
            try await world.store.finish(claimed.lease, with: .fixture(claimed))
            #expect(try await world.status(one.id) == .cancelled)
            #expect(try await world.status(two.id) == .succeeded)
            #expect(try await world.events(of: one.id) == [.queued, .running, .cancelled])
        },
        TaskStoreConformance(name: "What has ended cannot be cancelled") { world in
            let task = try await world.submit("a").task
            try await world.make()
            guard case .alreadyEnded(let ended) = try await world.store.cancel(task.id, of: .standard) else {
                Issue.record("a finished task was cancelled")
                return
            }
            #expect(ended.status == .succeeded)
            let other = try await world.submit("b").task
            _ = try await world.store.cancel(other.id, of: .standard)
            guard case .alreadyEnded(let twice) = try await world.store.cancel(other.id, of: .standard) else {
                Issue.record("a cancelled task was cancelled again")
                return
            }
            #expect(twice.status == .cancelled)
        },
    ]
}
