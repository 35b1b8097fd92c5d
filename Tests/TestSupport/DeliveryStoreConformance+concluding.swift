import Tasks
import Testing

extension DeliveryStoreConformance {
    static let concluding: [DeliveryStoreConformance] = [
        DeliveryStoreConformance(name: "What is delivered is over") { world in
            let id = try await world.succeed("a")
            try await world.store.conclude(try await world.claimOne(), with: .delivered(response: 204))
            let delivery = try #require(try await world.deliveries(of: id).first)
            #expect(delivery.status == .delivered)
            #expect(delivery.attempts == 1)
            #expect(delivery.lastResponse == 204)
            #expect(delivery.failure == nil)
            #expect(delivery.nextAttemptAt == nil)
            #expect(delivery.endedAt == world.clock.wallTime())
            world.clock.advance(by: .seconds(1_000_000))
            #expect(try await world.claim().isEmpty)
            #expect(try await world.store.nextDelivery() == nil)
        },
        DeliveryStoreConformance(name: "A retry comes after its delay, and not before") { world in
            let id = try await world.succeed("a")
            try await world.store.conclude(
                try await world.claimOne(),
                with: .retry(after: .seconds(5), response: 503, DeliveryStoreWorld.failure)
            )
            let due = world.clock.wallTime().advanced(by: .seconds(5))
            let waiting = try #require(try await world.deliveries(of: id).first)
            #expect(waiting.status == .pending)
            #expect(waiting.lastResponse == 503)
            #expect(waiting.failure == DeliveryStoreWorld.failure)
            #expect(waiting.nextAttemptAt == due)
            #expect(try await world.store.nextDelivery() == due)
            world.clock.advance(by: .milliseconds(4999))
            #expect(try await world.claim().isEmpty)
            world.clock.advance(by: .milliseconds(1))
            let second = try await world.claimOne()
            #expect(second.delivery.attempts == 2)
            try await world.store.conclude(
                second,
                with: .retry(after: .seconds(5), response: nil, TaskFailure(code: "timed_out", message: ""))
            )
            let again = try #require(try await world.deliveries(of: id).first)
            #expect(again.lastResponse == 503)
            #expect(again.failure?.code == "timed_out")
        },
        DeliveryStoreConformance(name: "A receiver that fails six times gets the seventh attempt") { world in
            let id = try await world.succeed("a")
            for attempt in 1...6 {
                let claimed = try await world.claimOne()
                #expect(claimed.delivery.attempts == attempt)
                try await world.store.conclude(
                    claimed,
                    with: .retry(after: .seconds(60), response: 500, DeliveryStoreWorld.failure)
                )
                world.clock.advance(by: .seconds(60))
            }
            try await world.store.conclude(try await world.claimOne(), with: .delivered(response: 200))
            let delivery = try #require(try await world.deliveries(of: id).first)
            #expect(delivery.status == .delivered)
            #expect(delivery.attempts == 7)
            #expect(delivery.failure == nil)
        },
        DeliveryStoreConformance(name: "What is given up is dead, says why and lets later events pass") { world in
            let callback = Callback.fixture(events: [.started, .succeeded])
            let id = try await world.tasks.submit("a", callback: callback).task.id
            let generation = try #require(try await world.tasks.claim())
            let started = try await world.claimOne()
            try await world.store.finish(generation.lease, with: .fixture(generation))
            try await world.store.conclude(started, with: .dead(response: 410, DeliveryStoreWorld.failure))
            let dead = try #require(try await world.deliveries(of: id).first)
            #expect(dead.status == .dead)
            #expect(dead.lastResponse == 410)
            #expect(dead.failure == DeliveryStoreWorld.failure)
            #expect(dead.endedAt == world.clock.wallTime())
            #expect(try await world.claimOne().delivery.event == .succeeded)
        },
        DeliveryStoreConformance(name: "Who lost a claim changes nothing") { world in
            let id = try await world.succeed("a")
            let stale = try await world.claimOne()
            world.clock.advance(by: .seconds(31))
            let fresh = try await world.claimOne()
            let outcomes: [DeliveryOutcome] = [
                .delivered(response: 200),
                .retry(after: .zero, response: nil, DeliveryStoreWorld.failure),
                .dead(response: nil, DeliveryStoreWorld.failure),
            ]
            for outcome in outcomes {
                await #expect(throws: TaskStoreError.leaseLost) {
                    try await world.store.conclude(stale, with: outcome)
                }
            }
            #expect(try await world.deliveries(of: id) == [fresh.delivery])
            try await world.store.conclude(fresh, with: .delivered(response: 200))
            await #expect(throws: TaskStoreError.leaseLost) {
                try await world.store.conclude(fresh, with: .dead(response: nil, DeliveryStoreWorld.failure))
            }
            #expect(try await world.events(of: id, .delivered) == [.succeeded])
        },
        DeliveryStoreConformance(name: "A claim that ran out and was not taken again can be concluded") { world in
            let id = try await world.succeed("a")
            let claimed = try await world.claimOne()
            world.clock.advance(by: .seconds(31))
            try await world.store.conclude(claimed, with: .delivered(response: 200))
            #expect(try await world.events(of: id, .delivered) == [.succeeded])
        },
        DeliveryStoreConformance(name: "What a sender was told to retry it cannot conclude again") { world in
            try await world.succeed("a")
            let claimed = try await world.claimOne()
            try await world.store.conclude(
                claimed,
                with: .retry(after: .seconds(5), response: nil, DeliveryStoreWorld.failure)
            )
            await #expect(throws: TaskStoreError.leaseLost) {
                try await world.store.conclude(claimed, with: .delivered(response: 200))
            }
        },
    ]

    static let redelivering: [DeliveryStoreConformance] = [
        DeliveryStoreConformance(name: "A dead delivery is sent again from its first attempt on") { world in
            let id = try await world.succeed("a")
            try await world.store.conclude(
                try await world.claimOne(),
                with: .dead(response: 500, DeliveryStoreWorld.failure)
            )
            world.clock.advance(by: .seconds(60))
            let dead = try #require(try await world.deliveries(of: id).first)
            let again = try #require(try await world.store.redeliver(dead.id, of: .standard))
            #expect(again.id == dead.id)
            #expect(again.status == .pending)
            #expect(again.attempts == 0)
            #expect(again.nextAttemptAt == world.clock.wallTime())
            #expect(again.endedAt == nil)
            #expect(try await world.deliveries(of: id) == [again])
            let claimed = try await world.claimOne()
            #expect(claimed.delivery.id == dead.id)
            #expect(claimed.delivery.attempts == 1)
            try await world.store.conclude(claimed, with: .delivered(response: 200))
            #expect(try await world.events(of: id, .delivered) == [.succeeded])
        },
        DeliveryStoreConformance(name: "What was delivered or superseded can be sent again") { world in
            let id = try await world.tasks.submit("a", callback: .fixture(events: Set(CallbackEvent.allCases))).task.id
            try await world.tasks.make()
            try await world.store.conclude(try await world.claimOne(), with: .delivered(response: 200))
            for delivery in try await world.deliveries(of: id) {
                _ = try #require(try await world.store.redeliver(delivery.id, of: .standard))
                let claimed = try await world.claimOne()
                #expect(claimed.delivery.id == delivery.id)
                try await world.store.conclude(claimed, with: .delivered(response: 200))
            }
        },
        DeliveryStoreConformance(name: "What waits already is left as it is") { world in
            let id = try await world.succeed("a")
            let waiting = try await world.deliveries(of: id)
            #expect(try await world.store.redeliver(waiting[0].id, of: .standard) == waiting[0])
            let claimed = try await world.claimOne()
            #expect(try await world.store.redeliver(waiting[0].id, of: .standard) == claimed.delivery)
            #expect(try await world.claim().isEmpty)
            try await world.store.conclude(claimed, with: .delivered(response: 200))
        },
        DeliveryStoreConformance(name: "An event that is sent again goes before the later ones that wait") { world in
            let callback = Callback.fixture(events: [.started, .succeeded])
            try await world.tasks.submit("a", callback: callback)
            let generation = try #require(try await world.tasks.claim())
            let started = try await world.claimOne()
            try await world.store.conclude(started, with: .dead(response: 500, DeliveryStoreWorld.failure))
            try await world.store.finish(generation.lease, with: .fixture(generation))
            _ = try await world.store.redeliver(started.delivery.id, of: .standard)
            let first = try await world.claimOne()
            #expect(first.delivery.event == .started)
            try await world.store.conclude(
                first,
                with: .retry(after: .seconds(5), response: nil, DeliveryStoreWorld.failure)
            )
            #expect(try await world.claim().isEmpty)
            world.clock.advance(by: .seconds(5))
            try await world.store.conclude(try await world.claimOne(), with: .delivered(response: 200))
            #expect(try await world.claimOne().delivery.event == .succeeded)
        },
        DeliveryStoreConformance(name: "Another tenant's and unknown deliveries are nothing") { world in
            let id = try await world.succeed("a")
            let delivery = try #require(try await world.deliveries(of: id).first)
            try await world.store.conclude(
                try await world.claimOne(),
                with: .dead(response: nil, DeliveryStoreWorld.failure)
            )
            let other = TenantID(rawValue: "other")
            #expect(try await world.store.redeliver(delivery.id, of: other) == nil)
            let strange = DeliveryID(task: try NewTask.fixture().id, number: delivery.id.number)
            #expect(try await world.store.redeliver(strange, of: .standard) == nil)
            #expect(try await world.store.redeliver(DeliveryID(task: id, number: 99), of: .standard) == nil)
            #expect(try await world.claim().isEmpty)
        },
    ]
}
