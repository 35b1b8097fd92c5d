import Tasks
import Testing

extension DeliveryStoreConformance {
    static let writing: [DeliveryStoreConformance] = [
        DeliveryStoreConformance(name: "A task keeps its callback") { world in
            let callback = Callback.fixture(events: [.started, .failed])
            let task = try await world.tasks.submit("a", callback: callback).task
            #expect(task.callback == callback)
            #expect(try await world.store.task(task.id, of: .standard) == task)
            let claimed = try #require(try await world.tasks.claim())
            #expect(try await world.store.task(task.id, of: .standard)?.callback == callback)
            try await world.store.finish(claimed.lease, with: .fixture(claimed))
            let page = try await world.store.tasks(matching: TaskQuery(tenant: .standard, limit: 1))
            #expect(page.tasks.first?.callback == callback)
        },
        DeliveryStoreConformance(name: "The end of a task is a delivery that is due") { world in
            let id = try await world.tasks.submit("a", callback: .fixture()).task.id
            #expect(try await world.store.nextDelivery() == nil)
            try await world.tasks.make()
            #expect(try await world.store.nextDelivery() == world.clock.wallTime())
            let claimed = try await world.claimOne()
            #expect(claimed.delivery.id.task == id)
            #expect(claimed.delivery.event == .succeeded)
            #expect(claimed.delivery.url == Callback.fixture().url)
            #expect(claimed.delivery.origin == Callback.fixture().origin)
            #expect(claimed.delivery.attempts == 1)
            #expect(claimed.task == (try await world.store.task(id, of: .standard)))
            #expect(claimed.task.status == .succeeded)
        },
        DeliveryStoreConformance(name: "Every way to end is told") { world in
            let failing = try await world.tasks.submit("a", callback: .fixture()).task.id
            let cancelled = try await world.tasks.submit("b", callback: .fixture()).task.id
            let claimed = try #require(try await world.tasks.claim())
            try await world.store.finish(claimed.lease, with: .failed(TaskFailure(code: "x", message: "")))
            _ = try await world.store.cancel(cancelled, of: .standard)
            #expect(try await world.events(of: failing, .pending) == [.failed])
            #expect(try await world.events(of: cancelled, .pending) == [.cancelled])
        },
        DeliveryStoreConformance(name: "An answer from the cache is told as well") { world in
            try await world.succeed("a")
            let cached = try await world.tasks.submit("a", callback: .fixture())
            #expect(cached.disposition == .cached)
            #expect(try await world.events(of: cached.task.id, .pending) == [.succeeded])
        },
        DeliveryStoreConformance(name: "Only what was asked for is told, and nothing without a callback") { world in
            let silent = try await world.tasks.submit("a").task.id
            let choosy = try await world.tasks.submit("a", callback: .fixture(events: [.failed])).task.id
            try await world.tasks.make()
            #expect(try await world.deliveries(of: silent).isEmpty)
            #expect(try await world.deliveries(of: choosy).isEmpty)
            #expect(try await world.claim().isEmpty)
        },
        DeliveryStoreConformance(name: "A thousand tasks of one generation have a thousand deliveries at its end") {
            world in
            try await withThrowingTaskGroup { group in
                for index in 0..<1000 {
                    group.addTask { try await world.tasks.submit("a", callback: .fixture("https://\(index % 7)")) }
                }
                try await group.waitForAll()
            }
            #expect(try await world.store.nextDelivery() == nil)
            try await world.tasks.make()
            var told: [TaskID] = []
            while true {
                let claimed = try await world.claim(limit: 64, receiverLimit: 1000)
                if claimed.isEmpty { break }
                for delivery in claimed {
                    #expect(delivery.task.status == .succeeded)
                    told.append(delivery.task.id)
                    try await world.store.conclude(delivery, with: .delivered(response: 200))
                }
            }
            #expect(told.count == 1000)
            #expect(Set(told).count == 1000)
            #expect(try await world.store.nextDelivery() == nil)
        },
        DeliveryStoreConformance(name: "A success that was none is not told") { world in
            try await world.succeed("a")
            try await world.store.conclude(try await world.claimOne(), with: .delivered(response: 200))
            let cached = try await world.tasks.submit("a", callback: .fixture()).task.id
            #expect(try await world.store.remake(cached, of: .standard).disposition == .queued)
            #expect(try await world.deliveries(of: cached).isEmpty)
            #expect(try await world.claim().isEmpty)
            #expect(try await world.store.nextDelivery() == nil)
            try await world.tasks.make()
            #expect(try await world.events(of: cached, .pending) == [.succeeded])
        },
        DeliveryStoreConformance(name: "A success that was none and is under way cannot be concluded") { world in
            try await world.tasks.submit("a")
            try await world.tasks.make()
            let cached = try await world.tasks.submit("a", callback: .fixture()).task.id
            let claimed = try await world.claimOne()
            _ = try await world.store.remake(cached, of: .standard)
            await #expect(throws: TaskStoreError.leaseLost) {
                try await world.store.conclude(claimed, with: .delivered(response: 200))
            }
        },
        DeliveryStoreConformance(name: "Whoever listens hears of new deliveries, once they are there") { world in
            let signs = world.store.newDeliveries()
            let heard = Task {
                for await _ in signs { return try await world.claim().count }
                return 0
            }
            try await world.succeed("a")
            #expect(try await heard.value == 1)
        },
    ]

    static let news: [DeliveryStoreConformance] = [
        DeliveryStoreConformance(name: "The start is told when it was asked for, with every attempt") { world in
            let id = try await world.tasks.submit("a", callback: .fixture(events: [.started])).task.id
            let first = try #require(try await world.tasks.claim())
            try await world.store.conclude(try await world.claimOne(), with: .delivered(response: 200))
            try await world.store.requeue(first.lease, Requeue(delay: .zero, countsAsFailure: false, failure: nil))
            _ = try #require(try await world.tasks.claim())
            #expect(try await world.events(of: id, .delivered) == [.started])
            #expect(try await world.events(of: id, .pending) == [.started])
        },
        DeliveryStoreConformance(name: "A task that joins a running generation is told of its start") { world in
            try await world.tasks.submit("a")
            _ = try #require(try await world.tasks.claim())
            let joined = try await world.tasks.submit("a", callback: .fixture(events: [.started])).task.id
            #expect(try await world.events(of: joined, .pending) == [.started])
        },
        DeliveryStoreConformance(name: "A later event takes the place of news that was not delivered") { world in
            let id = try await world.tasks.submit("a", callback: .fixture(events: Set(CallbackEvent.allCases))).task.id
            try await world.tasks.make()
            #expect(try await world.events(of: id, .superseded) == [.started])
            #expect(try await world.events(of: id, .pending) == [.succeeded])
            let ended = try #require(try await world.deliveries(of: id).first)
            #expect(ended.endedAt == world.clock.wallTime())
            #expect(ended.nextAttemptAt == nil)
            #expect(try await world.claimOne().delivery.event == .succeeded)
        },
        DeliveryStoreConformance(name: "News under way holds back the next event and is not sent again") { world in
            let id = try await world.tasks.submit("a", callback: .fixture(events: Set(CallbackEvent.allCases))).task.id
            let generation = try #require(try await world.tasks.claim())
            let started = try await world.claimOne()
            try await world.store.finish(generation.lease, with: .fixture(generation))
            #expect(try await world.claim().isEmpty)
            try await world.store.conclude(
                started,
                with: .retry(after: .seconds(5), response: 500, DeliveryStoreWorld.failure)
            )
            #expect(try await world.events(of: id, .superseded) == [.started])
            #expect(try await world.deliveries(of: id).first?.lastResponse == 500)
            #expect(try await world.claimOne().delivery.event == .succeeded)
        },
        DeliveryStoreConformance(name: "News under way that arrives was delivered, though a later event came") {
            world in
            let id = try await world.tasks.submit("a", callback: .fixture(events: Set(CallbackEvent.allCases))).task.id
            let generation = try #require(try await world.tasks.claim())
            let started = try await world.claimOne()
            try await world.store.finish(generation.lease, with: .fixture(generation))
            try await world.store.conclude(started, with: .delivered(response: 204))
            #expect(try await world.events(of: id, .delivered) == [.started])
            #expect(try await world.claimOne().delivery.event == .succeeded)
        },
        DeliveryStoreConformance(name: "News whose sender vanished gives way to a later event") { world in
            let id = try await world.tasks.submit("a", callback: .fixture(events: Set(CallbackEvent.allCases))).task.id
            let generation = try #require(try await world.tasks.claim(for: .seconds(3600)))
            let started = try await world.claimOne()
            try await world.store.finish(generation.lease, with: .fixture(generation))
            world.clock.advance(by: .seconds(31))
            #expect(try await world.claimOne().delivery.event == .succeeded)
            #expect(try await world.events(of: id, .superseded) == [.started])
            await #expect(throws: TaskStoreError.leaseLost) {
                try await world.store.conclude(started, with: .delivered(response: 200))
            }
        },
        DeliveryStoreConformance(name: "An end is never superseded") { world in
            try await world.tasks.submit("a")
            try await world.tasks.make()
            let id = try await world.tasks.submit("a", callback: .fixture(events: Set(CallbackEvent.allCases))).task.id
            let claimed = try await world.claimOne()
            try await world.store.conclude(
                claimed,
                with: .retry(after: .seconds(1), response: nil, DeliveryStoreWorld.failure)
            )
            #expect(try await world.events(of: id, .pending) == [.succeeded])
        },
        DeliveryStoreConformance(name: "Progress is told at intervals, and not while the last is undelivered") {
            world in
            let id = try await world.tasks.submit("a", callback: .fixture(events: [.progress])).task.id
            let generation = try #require(try await world.tasks.claim(for: .seconds(3600)))
            try await world.report(1, generation.lease)
            world.clock.advance(by: CallbackEvent.progressInterval)
            try await world.report(2, generation.lease)
            #expect(try await world.deliveries(of: id).count == 1)
            let first = try await world.claimOne()
            #expect(first.task.generation.progress?.step == 2)
            try await world.store.conclude(first, with: .delivered(response: 200))
            try await world.report(3, generation.lease)
            #expect(try await world.deliveries(of: id).count == 2)
            try await world.store.conclude(try await world.claimOne(), with: .delivered(response: 200))
            world.clock.advance(by: CallbackEvent.progressInterval - .milliseconds(1))
            try await world.report(4, generation.lease)
            #expect(try await world.deliveries(of: id).count == 2)
            world.clock.advance(by: .milliseconds(1))
            _ = try await world.store.renew(generation.lease, for: .seconds(3600), progress: nil)
            #expect(try await world.deliveries(of: id).count == 2)
            try await world.report(5, generation.lease)
            #expect(try await world.deliveries(of: id).count == 3)
        },
        DeliveryStoreConformance(name: "A cancelled task is told no progress of the generation that goes on") { world in
            let callback = Callback.fixture(events: [.progress, .cancelled])
            let cancelled = try await world.tasks.submit("a", callback: callback).task.id
            let waiting = try await world.tasks.submit("a", callback: callback).task.id
            let generation = try #require(try await world.tasks.claim())
            _ = try await world.store.cancel(cancelled, of: .standard)
            try await world.report(1, generation.lease)
            #expect(try await world.events(of: cancelled, .pending) == [.cancelled])
            #expect(try await world.events(of: waiting, .pending) == [.progress])
        },
    ]
}
