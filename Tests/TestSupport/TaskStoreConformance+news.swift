import Tasks
import Testing

extension TaskStoreConformance {
    static let news: [TaskStoreConformance] = [
        .init(name: "Who works is told that something waits") { world in
            try await world.expectNews(.queue, "submitted") { _ = try await world.submit("a") }
            let claimed = try #require(try await world.claim())
            try await world.expectNews(.queue, "requeued") {
                let requeue = Requeue(delay: .zero, countsAsFailure: false, failure: nil)
                try await world.store.requeue(claimed.lease, requeue)
            }
            _ = try await world.claim("lost", for: .zero)
            world.clock.advance(by: .milliseconds(1))
            try await world.expectNews(.queue, "reaped") {
                _ = try await world.store.reap(RetryPolicy(baseDelay: .zero))
            }
        },
        .init(name: "Who works is told that one has ended, so that another of its tenant may run") { world in
            let first = try await world.submit("a", adjust: { $0.runningLimit = 1 }).task.generation.id
            try await world.submit("b", adjust: { $0.runningLimit = 1 })
            let claimed = try #require(try await world.claim(first))
            #expect(try await world.store.heads().heads.isEmpty)
            try await world.expectNews(.queue, "finished") {
                try await world.store.finish(claimed.lease, with: .fixture(claimed))
            }
            #expect(try await world.store.heads().heads.count == 1)
        },
        .init(name: "Who works is told what nobody wants any more, once the last task has gone") { world in
            let one = try await world.submit("a").task
            let two = try await world.submit("a", tenant: TenantID(rawValue: "other")).task
            _ = try await world.claim()
            _ = try await world.store.cancel(one.id, of: .standard)
            try await world.expectNews(.abandoned(one.generation.id), "cancelled") {
                _ = try await world.store.cancel(two.id, of: two.tenant)
            }
        },
        .init(name: "Who works is told that a more urgent task wants what runs") { world in
            let id = try await world.submit("a").task.generation.id
            _ = try await world.claim()
            try await world.expectNews(.raised(id, priority: 9), "joined") {
                _ = try await world.submit("a", tenant: TenantID(rawValue: "other"), priority: 9)
            }
        },
        .init(name: "News that nobody reads in time becomes a gap that is told of") { world in
            let stream = world.store.news()
            let claimed = try await world.submit("a").task.generation
            for _ in 0..<1_100 {
                let lease = try #require(try await world.claim(claimed.id)).lease
                try await world.store.requeue(lease, Requeue(delay: .zero, countsAsFailure: false, failure: nil))
            }
            #expect(try await first(.missed, of: stream))
        },
    ]

    /// Whether a stream brings an item within some seconds.
    static func first(_ wanted: StoreNews, of stream: AsyncStream<StoreNews>) async throws -> Bool {
        try await withThrowingTaskGroup(of: Bool.self) { group in
            group.addTask {
                for await item in stream where item == wanted { return true }
                return false
            }
            group.addTask {
                try await Task.sleep(for: .seconds(20))
                return false
            }
            defer { group.cancelAll() }
            return try await group.next() ?? false
        }
    }
}

extension TaskStoreWorld {
    /// Expects that whoever works is told of something because of a change.
    func expectNews(_ wanted: StoreNews, _ what: String, _ change: () async throws -> Void) async throws {
        let stream = store.news()
        try await change()
        #expect(try await TaskStoreConformance.first(wanted, of: stream), "\(what)")
    }
}
