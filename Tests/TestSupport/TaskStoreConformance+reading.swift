import Tasks
import Testing

extension TaskStoreConformance {
    static let recovery: [TaskStoreConformance] = [
        TaskStoreConformance(name: "Closing and opening again loses nothing") { world in
            guard let reopen = world.reopen else { return }
            let waiting = try await world.submit("waiting", priority: -1).task
            let done = try await world.submit("done").task
            try await world.make()
            let key = NewTask.Idempotency(key: "k", fingerprint: "f")
            let keyed = try await world.store.submit(.fixture("keyed", priority: -2, idempotency: key), queueLimit: 10)
            let events = try await world.store.events(after: 0, limit: 100)
            let before = try await world.store.tasks(matching: TaskQuery(tenant: .standard, limit: 100))

            var reopened = world
            reopened.store = try await reopen()
            #expect(try await reopened.store.tasks(matching: TaskQuery(tenant: .standard, limit: 100)) == before)
            #expect(try await reopened.store.events(after: 0, limit: 100) == events)
            #expect(try await reopened.status(waiting.id) == .queued)
            #expect(try await reopened.status(done.id) == .succeeded)
            #expect(try await reopened.submit("done").disposition == .cached)
            let replayed = try await reopened.store.submit(.fixture("keyed", idempotency: key), queueLimit: 10)
            #expect(replayed.task == keyed.task)
            // The bound of the queue counts what was waiting before: two.
            await #expect(throws: TaskStoreError.queueFull(limit: 2)) {
                try await reopened.store.submit(.fixture("more"), queueLimit: 2)
            }
        }
    ]

    static let reading: [TaskStoreConformance] = [
        TaskStoreConformance(name: "Paging may be oldest first, and shows what comes meanwhile") { world in
            var ids: [TaskID] = []
            for index in 0..<5 { ids.append(try await world.submit("\(index)").task.id) }
            try await world.submit("foreign", tenant: TenantID(rawValue: "other"))
            let first = try await world.store.tasks(
                matching: TaskQuery(tenant: .standard, limit: 3, isAscending: true)
            )
            #expect(first.tasks.map(\.id) == Array(ids[..<3]))
            #expect(first.next == ids[2])
            let later = try await world.submit("later").task.id
            let second = try await world.store.tasks(
                matching: TaskQuery(tenant: .standard, before: first.next, limit: 3, isAscending: true)
            )
            #expect(second.tasks.map(\.id) == [ids[3], ids[4], later])
            #expect(second.next == nil)
        },
        TaskStoreConformance(name: "Paging is newest first and stable while tasks are added") { world in
            var ids: [TaskID] = []
            for index in 0..<7 { ids.append(try await world.submit("\(index)").task.id) }
            let first = try await world.store.tasks(matching: TaskQuery(tenant: .standard, limit: 3))
            #expect(first.tasks.map(\.id) == [ids[6], ids[5], ids[4]])
            try await world.submit("later")
            let second = try await world.store.tasks(
                matching: TaskQuery(tenant: .standard, before: first.next, limit: 3)
            )
            #expect(second.tasks.map(\.id) == [ids[3], ids[2], ids[1]])
            let third = try await world.store.tasks(
                matching: TaskQuery(tenant: .standard, before: second.next, limit: 3)
            )
            #expect(third.tasks.map(\.id) == [ids[0]])
            #expect(third.next == nil)
        },
        TaskStoreConformance(name: "A list can be limited to one status") { world in
            let one = try await world.submit("a").task.id
            let two = try await world.submit("b").task.id
            let three = try await world.submit("c").task.id
            _ = try #require(try await world.claim())
            _ = try await world.store.cancel(two, of: .standard)
            for (status, id) in [(TaskStatus.running, one), (.cancelled, two), (.queued, three)] {
                let page = try await world.store.tasks(
                    matching: TaskQuery(tenant: .standard, status: status, limit: 10)
                )
                #expect(page.tasks.map(\.id) == [id])
            }
            let none = try await world.store.tasks(
                matching: TaskQuery(tenant: .standard, status: .failed, limit: 10)
            )
            #expect(none == TaskPage(tasks: [], next: nil))
        },
        TaskStoreConformance(name: "Events come in order and can be read on from any of them") { world in
            for index in 0..<5 { try await world.submit("\(index)") }
            let all = try await world.store.events(after: 0, limit: 100)
            #expect(all.count == 5)
            #expect(all.map(\.sequence) == all.map(\.sequence).sorted())
            let rest = try await world.store.events(after: all[1].sequence, limit: 2)
            #expect(rest == Array(all[2...3]))
        },
        TaskStoreConformance(name: "An unknown task is nothing") { world in
            let id = try NewTask.fixture("a").id
            #expect(try await world.store.task(id, of: .standard) == nil)
            #expect(try await world.store.cancel(id, of: .standard) == .notFound)
            await #expect(throws: TaskStoreError.notFound) {
                try await world.store.remake(id, of: .standard)
            }
        },
        TaskStoreConformance(name: "Readers never see a task go back while it is written") { world in
            let id = try await world.submit("a").task.id
            let claimed = try #require(try await world.claim())
            try await withThrowingTaskGroup { group in
                group.addTask {
                    var lease = claimed.lease
                    for step in 1...50 {
                        let progress = GenerationProgress(stage: .denoise, step: step, totalSteps: 50)
                        lease = try await world.store.renew(lease, for: .seconds(30), progress: progress)
                    }
                    try await world.store.finish(lease, with: .fixture(claimed))
                }
                for _ in 0..<2 {
                    group.addTask {
                        var last = 0
                        while true {
                            let task = try #require(try await world.store.task(id, of: .standard))
                            let step = task.generation.progress?.step ?? 0
                            #expect(step >= last)
                            last = step
                            if task.status == .succeeded { return }
                            #expect(task.status == .running)
                            await Task.yield()
                        }
                    }
                }
                try await group.waitForAll()
            }
        },
    ]
}
