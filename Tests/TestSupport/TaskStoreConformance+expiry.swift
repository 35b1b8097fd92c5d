import Tasks
import Testing

extension TaskStoreConformance {
    private static let video = GenerationResult.fixture.video

    static let expiry: [TaskStoreConformance] = [
        TaskStoreConformance(name: "An expired video shows in every task of it and answers no more") { world in
            let first = try await world.submit("a").task.id
            let other = try await world.submit("b").task.id
            try await world.make()
            try await world.make()
            let cached = try await world.submit("a").task.id
            world.clock.advance(by: .seconds(60))
            try await world.store.expire([video])
            for id in [first, other, cached] {
                let task = try #require(try await world.store.task(id, of: .standard))
                #expect(task.status == .succeeded)
                #expect(task.generation.result?.expiredAt == world.clock.wallTime())
            }
            let page = try await world.store.tasks(matching: TaskQuery(tenant: .standard, limit: 10))
            #expect(page.tasks.allSatisfy { $0.generation.result?.expiredAt == world.clock.wallTime() })
            #expect(try await world.submit("a").disposition == .queued)
        },
        TaskStoreConformance(name: "An expired video that is made again is there for all") { world in
            let first = try await world.submit("a").task.id
            try await world.make()
            try await world.store.expire([video])
            let second = try await world.submit("a").task
            try await world.make()
            for id in [first, second.id] {
                #expect(try await world.store.task(id, of: .standard)?.generation.result == .fixture)
            }
            let third = try await world.submit("a")
            #expect(third.disposition == .cached)
            #expect(third.task.generation.id == second.generation.id)
        },
        TaskStoreConformance(name: "Another request that makes an expired video brings its answer back") { world in
            let first = try await world.submit("a").task
            try await world.make()
            try await world.store.expire([video])
            try await world.submit("b")
            try await world.make()
            let again = try await world.submit("a")
            #expect(again.disposition == .cached)
            #expect(again.task.generation.id == first.generation.id)
            #expect(again.task.generation.result == .fixture)
        },
        TaskStoreConformance(name: "A restored video answers as before") { world in
            let first = try await world.submit("a").task
            try await world.make()
            try await world.store.expire([video])
            try await world.store.restore([video])
            #expect(try await world.store.task(first.id, of: .standard)?.generation.result == .fixture)
            let again = try await world.submit("a")
            #expect(again.disposition == .cached)
            #expect(again.task.generation.id == first.generation.id)
            #expect(again.task.generation.result?.expiredAt == nil)
        },
        TaskStoreConformance(name: "A restored video does not take the place of what answers meanwhile") { world in
            try await world.submit("a")
            try await world.make()
            try await world.store.expire([video])
            let second = try await world.submit("a").task
            try await world.store.restore([video])
            #expect(try await world.submit("a").task.generation.id == second.generation.id)
            try await world.make("other")
            let third = try await world.submit("a")
            #expect(third.disposition == .cached)
            #expect(third.task.generation.result?.video == "other")
        },
        TaskStoreConformance(name: "A restored video answers nothing that it did not answer before") { world in
            try await world.submit("a")
            let claimed = try #require(try await world.claim())
            try await world.store.finish(
                claimed.lease,
                with: .succeeded(.fixture, model: "other", answers: nil)
            )
            try await world.submit("b", cache: .off)
            try await world.make()
            try await world.store.expire([video])
            try await world.store.restore([video])
            #expect(try await world.submit("a").disposition == .queued)
            #expect(try await world.submit("b").disposition == .queued)
        },
        TaskStoreConformance(name: "Expiring twice keeps the first moment, and the answer comes back") { world in
            try await world.submit("a")
            try await world.make()
            try await world.store.expire([video])
            let moment = world.clock.wallTime()
            world.clock.advance(by: .seconds(5))
            try await world.store.expire([video, "unknown"])
            #expect(try await world.store.videos([video]) == [video: VideoRecord(expiredAt: moment)])
            try await world.store.restore([video, "unknown"])
            #expect(try await world.submit("a").disposition == .cached)
        },
        TaskStoreConformance(name: "Videos are known while they are kept and after they expired") { world in
            try await world.submit("a")
            #expect(try await world.store.videos([video]) == [:])
            try await world.make()
            #expect(try await world.store.videos([video, "unknown"]) == [video: VideoRecord(expiredAt: nil)])
            try await world.store.expire([video])
            let expired = VideoRecord(expiredAt: world.clock.wallTime())
            #expect(try await world.store.videos([video, "unknown"]) == [video: expired])
            try await world.store.restore([video])
            #expect(try await world.store.videos([video]) == [video: VideoRecord(expiredAt: nil)])
        },
        TaskStoreConformance(name: "What has expired stays so when the store is opened again") { world in
            guard let reopen = world.reopen else { return }
            let id = try await world.submit("a").task.id
            try await world.make()
            try await world.store.expire([video])
            let before = try #require(try await world.store.task(id, of: .standard))
            let store = try await reopen()
            #expect(try await store.task(id, of: .standard) == before)
            #expect(try await store.submit(.fixture("a"), queueLimit: 10).disposition == .queued)
        },
    ]
}
