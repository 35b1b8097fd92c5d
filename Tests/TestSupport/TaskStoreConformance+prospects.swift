import Tasks
import Testing

extension TaskStoreConformance {
    static let prospects: [TaskStoreConformance] = [
        .init(name: "A prospect is what a submission then becomes, and changes nothing") { world in
            #expect(try await world.prospect("a") == .queued)
            #expect(try await world.store.heads().count == 0)
            let waiting = try await world.submit("a").task.generation
            #expect(try await world.prospect("a") == .joined(waiting))
            #expect(try await world.prospect("a", cache: .off) == .queued)
            // Looking has not made it more urgent.
            #expect(try await world.prospect("a", priority: 10) == .joined(waiting))
            #expect(try await world.store.waiting(limit: 1).map(\.priority) == [0])
            try await world.make()
            guard case .cached(let made) = try await world.prospect("a") else {
                Issue.record("it is not cached")
                return
            }
            #expect(made.id == waiting.id && made.status == .succeeded)
            // A look for something newer leaves the answer as it is.
            #expect(try await world.prospect("a", cache: .refresh) == .queued)
            #expect(try await world.submit("a").disposition == .cached)
        },
        .init(name: "A prospect is refused as the submission would be") { world in
            try await world.submit("a")
            let full = AdmissionLimits(queue: 1)
            await #expect(throws: TaskStoreError.queueFull(limit: 1)) { try await world.prospect("b", limits: full) }
            await #expect(throws: TaskStoreError.tenantLimit(.waitingTasks(1))) {
                try await world.prospect("b", limits: AdmissionLimits(queue: 10, waitingTasks: 1))
            }
            await #expect(throws: TaskStoreError.self) {
                try await world.prospect("b", limits: AdmissionLimits(queue: 10, deviceSecondsPerDay: 0.5))
            }
        },
    ]
}

extension TaskStoreWorld {
    fileprivate func prospect(
        _ key: String,
        priority: Int = 0,
        cache: CacheUse = .use,
        limits: AdmissionLimits = AdmissionLimits(queue: 1000)
    ) async throws -> Prospect {
        try await store.prospect(of: try NewTask.fixture(key, priority: priority, cache: cache), limits: limits)
    }
}
