import Tasks
import Testing

extension TaskStoreConformance {
    private static let one = TenantID(rawValue: "one")
    private static let two = TenantID(rawValue: "two")

    static let tenants: [TaskStoreConformance] = [
        .init(name: "Whose a task is can be asked; of none it is nobody's") { world in
            let id = try await world.submit("a", tenant: one).task.id
            #expect(try await world.store.owner(of: id) == one)
            #expect(try await world.store.owner(of: NewTask.fixture("a").id) == nil)
        },
        .init(name: "A video is its tasks' tenants', once it is there, and nobody else's") { world in
            let video = GenerationResult.fixture.video
            try await world.submit("a", tenant: one)
            let cancelled = try await world.submit("a", tenant: two).task.id
            _ = try await world.store.cancel(cancelled, of: two)
            #expect(try await !world.store.owns(one, video: video))
            try await world.make(video)
            #expect(try await world.store.owns(one, video: video))
            #expect(try await !world.store.owns(two, video: video))
            #expect(try await !world.store.owns(one, video: "none"))
            // Who is answered with it has it as well.
            try await world.submit("a", tenant: two)
            #expect(try await world.store.owns(two, video: video))
            #expect(try await !world.store.owns(.standard, video: video))
        },
        .init(name: "All tenants' tasks are listed together, the newest first, page by page, of one status too") {
            world in
            var ids: [TaskID] = []
            for index in 0..<9 {
                ids.append(try await world.submit("\(index)", tenant: index % 2 == 0 ? one : two).task.id)
            }
            for index in 0..<3 { _ = try await world.store.cancel(ids[index], of: index % 2 == 0 ? one : two) }
            try await world.make()
            let failed = try #require(try await world.claim())
            try await world.store.finish(failed.lease, with: .failed(TaskFailure(code: "x", message: "")))
            _ = try await world.claim()
            #expect(try await world.pages(nil) == ids.reversed())
            #expect(try await world.pages(.cancelled) == ids[0..<3].reversed())
            var found: [TaskID] = []
            for status in TaskStatus.allCases { found += try await world.pages(status) }
            #expect(Set(found) == Set(ids))
            #expect(try await world.pages(.queued).count == 3)
            for status in [TaskStatus.running, .succeeded, .failed] {
                #expect(try await world.pages(status).count == 1)
            }
        },
        .init(name: "The key that a task was made with, and the task that it comes from, stay with it") { world in
            let first = try await world.submit("a").task
            #expect(first.accessKey == nil && first.remixedFrom == nil)
            let second = try await world.submit("b") { task in
                task.accessKey = KeyID(rawValue: "key")
                task.remixedFrom = first.id
            }.task
            #expect(second.accessKey == KeyID(rawValue: "key"))
            #expect(second.remixedFrom == first.id)
            #expect(try await world.store.task(second.id, of: .standard) == second)
            _ = try await world.store.cancel(second.id, of: .standard)
            #expect(try await world.store.task(second.id, of: .standard)?.accessKey == second.accessKey)
            guard let reopen = world.reopen else { return }
            let reopened = try await reopen()
            let again = try #require(try await reopened.task(second.id, of: .standard))
            #expect(again.accessKey == second.accessKey)
            #expect(again.remixedFrom == first.id)
        },
    ]

    static let priorities: [TaskStoreConformance] = [
        .init(name: "A priority that is set changes the order, up and down, and is what tasks say") { world in
            let ids = try await ["a", "b", "c"].asyncMap { try await world.submit($0).task.id }
            #expect(try await world.waiting() == ["a", "b", "c"])
            let raised = try await world.store.setPriority(10, of: ids[2], of: .standard)
            #expect(raised?.generation.priority == 10)
            #expect(try await world.store.task(ids[2], of: .standard) == raised)
            #expect(try await world.waiting() == ["c", "a", "b"])
            #expect(try await world.store.setPriority(-10, of: ids[0], of: .standard)?.generation.priority == -10)
            #expect(try await world.waiting() == ["c", "b", "a"])
            #expect(try await world.claim()?.generation.request.prompt == "c")
            guard let reopen = world.reopen else { return }
            var reopened = world
            reopened.store = try await reopen()
            // What another process runs goes on.
            #expect(try await reopened.waiting() == (world.isShared ? ["b", "a"] : ["c", "b", "a"]))
        },
        .init(name: "It is set for every task that waits for the generation") { world in
            let first = try await world.submit("a", tenant: one).task
            let second = try await world.submit("a", tenant: two).task
            _ = try await world.store.setPriority(5, of: second.id, of: two)
            #expect(try await world.store.task(first.id, of: one)?.generation.priority == 5)
        },
        .init(name: "What runs or has ended stays as it is, and so does what others wait for") { world in
            let running = try await world.submit("a").task.id
            _ = try await world.claim()
            #expect(try await world.store.setPriority(9, of: running, of: .standard)?.generation.priority == 0)
            #expect(try await world.store.task(running, of: .standard)?.generation.priority == 0)
            let cancelled = try await world.submit("b", tenant: one).task.id
            let other = try await world.submit("b", tenant: two).task.id
            _ = try await world.store.cancel(cancelled, of: one)
            #expect(try await world.store.setPriority(9, of: cancelled, of: one)?.status == .cancelled)
            #expect(try await world.store.task(other, of: two)?.generation.priority == 0)
            #expect(try await world.store.heads().heads.map(\.priority) == [0])
        },
        .init(name: "Of a task that is another's or not there none is set") { world in
            let id = try await world.submit("a", tenant: one).task.id
            #expect(try await world.store.setPriority(9, of: id, of: two) == nil)
            #expect(try await world.store.setPriority(9, of: NewTask.fixture("a").id, of: one) == nil)
            #expect(try await world.store.task(id, of: one)?.generation.priority == 0)
        },
    ]
}

extension TaskStoreWorld {
    /// The ids of all tenants' tasks of a status, read in pages of two.
    fileprivate func pages(_ status: TaskStatus?) async throws -> [TaskID] {
        var (ids, before): ([TaskID], TaskID?) = ([], nil)
        repeat {
            let page = try await store.tasks(matching: TaskQuery(tenant: nil, status: status, before: before, limit: 2))
            ids += page.tasks.map(\.id)
            before = page.next
        } while before != nil
        return ids
    }
}

extension Array {
    fileprivate func asyncMap<Value>(_ transform: (Element) async throws -> Value) async rethrows -> [Value] {
        var values: [Value] = []
        for element in self { values.append(try await transform(element)) }
        return values
    }
}
