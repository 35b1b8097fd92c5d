import Redis
import Tasks
import TasksRedis
import TestSupport
import Testing

@Suite("The task store of many processes, when things go wrong")
struct RedisTaskStoreChaosTests {
    @Test("Cut connections double nothing and lose nothing")
    func cutConnections() async throws {
        try await RedisStores.with(3, lossy: 8) { stores in
            let ids = try await withThrowingTaskGroup(of: (String, TaskID).self) { group in
                for index in 0..<60 {
                    group.addTask {
                        let key = "\(index)"
                        let idempotency = NewTask.Idempotency(key: key, fingerprint: key)
                        let store = stores.stores[index % 3]
                        let submission = try await persistently {
                            try await store.submit(.fixture(key, idempotency: idempotency), queueLimit: 100)
                        }
                        return (key, submission.task.id)
                    }
                }
                return try await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
            }
            #expect(ids.count == 60)
            try await withThrowingTaskGroup { group in
                for store in stores.stores {
                    group.addTask { try await Self.work(store) }
                }
                try await group.waitForAll()
            }
            let page = try await persistently {
                try await stores.first.tasks(matching: TaskQuery(tenant: .standard, limit: 1000))
            }
            #expect(Set(page.tasks.map(\.id)) == Set(ids.values))
            #expect(page.tasks.allSatisfy { $0.status == .succeeded })
            #expect(try await persistently { try await stores.first.usage() }.isEmpty)
            for id in ids.values {
                let events = try await persistently {
                    try await stores.first.events(of: id, of: .standard, after: 0, limit: 100)
                }
                // A claim whose answer was lost for good is reaped: but nothing happens twice at once.
                #expect(events.first?.kind == .queued)
                #expect(events.last?.kind == .succeeded)
                #expect(events.count { $0.kind == .succeeded } == 1)
                #expect(events.map(\.sequence) == events.map(\.sequence).sorted())
            }
        }
    }

    /// Makes what waits until nothing is left; what a lost answer has left behind is reaped.
    private static func work(_ store: RedisTaskStore) async throws {
        let request = ClaimRequest(owner: .unique(), duration: .seconds(-1))
        while true {
            let claimed = try await persistently { try await store.claim(request) }
            if let claimed {
                do {
                    try await persistently { try await store.finish(claimed.lease, with: .fixture(claimed)) }
                } catch TaskStoreError.leaseLost {
                    // Its own first attempt has ended it.
                }
                continue
            }
            let running = try await persistently {
                try await store.tasks(matching: TaskQuery(tenant: .standard, status: .running, limit: 1))
            }
            let waiting = try await persistently { try await store.heads().count }
            guard !running.tasks.isEmpty || waiting > 0 else { return }
            try await Task.sleep(for: .milliseconds(5))
            _ = try await persistently { try await store.reap(RetryPolicy(maxFailures: 1000, baseDelay: .zero)) }
        }
    }

    @Test("What a Redis that syncs every write has confirmed outlives its death, and work goes on")
    func death() async throws {
        let server = try await RedisFixture(isDurable: true)
        try await RedisStores.with(2, server: server) { stores in
            let news = stores.second.news()
            let accepted = try await withThrowingTaskGroup(of: TaskID?.self) { group in
                for index in 0..<200 {
                    group.addTask {
                        do throws(TaskStoreError) {
                            let task = try newTask(index)
                            return try await stores.stores[index % 2].submit(task, queueLimit: 1000).task.id
                        } catch {
                            return nil
                        }
                    }
                }
                group.addTask {
                    await server.kill()
                    try await server.start()
                    return nil
                }
                return try await group.reduce(into: Set<TaskID>()) { ids, id in if let id { ids.insert(id) } }
            }
            let page = try await persistently {
                try await stores.first.tasks(matching: TaskQuery(tenant: .standard, limit: 1000))
            }
            #expect(accepted.isSubset(of: page.tasks.map(\.id)))
            // What both know of the queue is what is there, once they have read it anew.
            for store in stores.stores {
                try await stores.wait { try await persistently { try await store.heads().count == page.tasks.count } }
            }
            var claimed: Set<GenerationID> = []
            let request = ClaimRequest(owner: .unique(), duration: .seconds(30))
            while let next = try await persistently({ try await stores.second.claim(request) }) {
                claimed.insert(next.generation.id)
            }
            #expect(claimed.count == page.tasks.count)
            _ = news
        }
    }
}

/// A task of its own key.
private func newTask(_ index: Int) throws(TaskStoreError) -> NewTask {
    do { return try .fixture("\(index)") } catch { throw .unavailable("\(error)") }
}
