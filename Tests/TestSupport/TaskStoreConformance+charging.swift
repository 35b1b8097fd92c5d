import Tasks
import Testing

extension TaskStoreConformance {
    private static let one = TenantID(rawValue: "one")
    private static let two = TenantID(rawValue: "two")

    static let charging: [TaskStoreConformance] = [
        .init(name: "An attempt that took less than predicted is charged with what it took") { world in
            for key in ["a", "b", "c"] { try await world.submit(key, tenant: one) { $0.cost = 100 } }
            for key in ["x", "y", "z"] { try await world.submit(key, tenant: two) { $0.cost = 20 } }
            let first = try #require(try await world.claim())
            #expect(first.generation.request.prompt == "a")
            #expect(try await world.waiting() == ["x", "y", "z", "b", "c"])
            world.clock.advance(by: .seconds(10))
            try await world.store.finish(first.lease, with: .fixture(first))
            #expect(try await world.waiting() == ["x", "b", "y", "z", "c"])
        },
        .init(name: "An attempt that took longer is charged with what it took") { world in
            for key in ["a", "b"] { try await world.submit(key, tenant: one) { $0.cost = 10 } }
            for key in ["x", "y", "z"] { try await world.submit(key, tenant: two) { $0.cost = 20 } }
            let first = try #require(try await world.claim())
            world.clock.advance(by: .seconds(50))
            try await world.store.finish(first.lease, with: .failed(TaskFailure(code: "x", message: "")))
            #expect(try await world.waiting() == ["x", "y", "z", "b"])
        },
        .init(name: "Whatever ends an attempt at once gives back what it was charged") { world in
            for index in 0..<8 { try await world.submit("a\(index)", tenant: one) { $0.cost = 100 } }
            for key in ["x", "y"] { try await world.submit(key, tenant: two) { $0.cost = 100 } }
            let failed = try #require(try await world.claim())
            try await world.store.finish(failed.lease, with: .failed(TaskFailure(code: "x", message: "")))
            #expect(try await world.waiting(limit: 2) == ["a1", "x"])
            let requeued = try #require(try await world.claim())
            try await world.store.requeue(requeued.lease, Requeue(delay: .zero, countsAsFailure: false, failure: nil))
            #expect(try await world.waiting(limit: 2) == ["a1", "x"])
            _ = try await world.claim()
            let running = try await world.store.tasks(matching: TaskQuery(tenant: one, status: .running, limit: 10))
            for task in running.tasks { _ = try await world.store.cancel(task.id, of: one) }
            #expect(try await world.waiting(limit: 2) == ["a2", "x"])
            _ = try await world.claim("lost", for: .milliseconds(1))
            world.clock.advance(by: .milliseconds(2))
            #expect(try await world.store.reap(RetryPolicy(baseDelay: .zero)).count == 1)
            #expect(try await world.waiting(limit: 2) == ["x", "a2"])
        },
    ]
}
