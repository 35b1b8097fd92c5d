import Tasks
import Testing

extension DeliveryStoreConformance {
    static let keeping: [DeliveryStoreConformance] = [
        DeliveryStoreConformance(name: "A tenant sees its own deliveries, newest first, page by page") { world in
            var ids: [TaskID] = []
            for index in 0..<5 { ids.append(try await world.succeed("\(index)")) }
            let other = TenantID(rawValue: "other")
            let foreign = try await world.tasks.submit("0", tenant: other, callback: .fixture()).task.id
            let first = try await world.store.deliveries(matching: DeliveryQuery(tenant: .standard, limit: 3))
            #expect(first.deliveries.map(\.id.task) == [ids[4], ids[3], ids[2]])
            #expect(first.deliveries.allSatisfy { $0.tenant == .standard })
            try await world.succeed("later")
            let second = try await world.store.deliveries(
                matching: DeliveryQuery(tenant: .standard, before: first.next, limit: 3)
            )
            #expect(second.deliveries.map(\.id.task) == [ids[1], ids[0]])
            #expect(second.next == nil)
            let everybodys = try await world.store.deliveries(matching: DeliveryQuery(tenant: nil, limit: 100))
            #expect(Set(everybodys.deliveries.map(\.tenant)) == [.standard, other])
            #expect(everybodys.deliveries.map(\.id.number) == everybodys.deliveries.map(\.id.number).sorted(by: >))
            let rest = DeliveryQuery(tenant: nil, before: everybodys.deliveries[0].id.number, limit: 100)
            #expect(
                try await world.store.deliveries(matching: rest).deliveries == Array(everybodys.deliveries.dropFirst()))
            let pending = DeliveryQuery(tenant: nil, status: .pending, limit: 100)
            #expect(try await world.store.deliveries(matching: pending).deliveries == everybodys.deliveries)
            let dead = DeliveryQuery(tenant: nil, status: .dead, limit: 100)
            #expect(try await world.store.deliveries(matching: dead).deliveries.isEmpty)
            let ofOne = DeliveryQuery(tenant: nil, task: foreign, limit: 100)
            #expect(try await world.store.deliveries(matching: ofOne).deliveries.map(\.id.task) == [foreign])
            let others = try await world.store.deliveries(matching: DeliveryQuery(tenant: other, limit: 3))
            #expect(others.deliveries.map(\.id.task) == [foreign])
            #expect(try await world.deliveries(of: foreign).isEmpty)
        },
        DeliveryStoreConformance(name: "A list of deliveries can be limited to a status and a task") { world in
            let one = try await world.succeed("a")
            try await world.store.conclude(try await world.claimOne(), with: .delivered(response: 200))
            let two = try await world.succeed("b")
            try await world.store.conclude(
                try await world.claimOne(),
                with: .dead(response: nil, DeliveryStoreWorld.failure)
            )
            let three = try await world.succeed("c")
            for (status, ids) in [
                (DeliveryStatus.delivered, [one]), (.dead, [two]), (.pending, [three]), (.superseded, []),
            ] {
                let page = try await world.store.deliveries(
                    matching: DeliveryQuery(tenant: .standard, status: status, limit: 10)
                )
                #expect(page.deliveries.map(\.id.task) == ids)
                let ofTwo = try await world.store.deliveries(
                    matching: DeliveryQuery(tenant: .standard, status: status, task: two, limit: 10)
                )
                #expect(ofTwo.deliveries.count == (status == .dead ? 1 : 0))
            }
        },
        DeliveryStoreConformance(name: "Closing and opening again loses no delivery") { world in
            guard let reopen = world.reopen else { return }
            let callback = Callback.fixture(events: Set(CallbackEvent.allCases))
            let delivered = try await world.succeed("delivered")
            try await world.store.conclude(try await world.claimOne(), with: .delivered(response: 200))
            let retried = try await world.succeed("retried")
            try await world.store.conclude(
                try await world.claimOne(),
                with: .retry(after: .seconds(60), response: 500, DeliveryStoreWorld.failure)
            )
            let waiting = try await world.tasks.submit("waiting", callback: callback).task.id
            try await world.tasks.make()
            let query = DeliveryQuery(tenant: .standard, limit: 10)
            let before = try await world.store.deliveries(matching: query)

            var reopened = world
            reopened.store = try await reopen()
            #expect(try await reopened.store.deliveries(matching: query) == before)
            #expect(try await reopened.claim().map(\.delivery.id.task) == [waiting])
            #expect(try await reopened.events(of: delivered, .delivered) == [.succeeded])
            reopened.clock.advance(by: .seconds(60))
            #expect(try await reopened.claim().map(\.delivery.id.task).contains(retried))
        },
        DeliveryStoreConformance(name: "What a dead process had under way is due again at once") { world in
            guard let reopen = world.reopen, !world.isShared else { return }
            let id = try await world.succeed("a")
            let stale = try await world.claimOne()
            var reopened = world
            reopened.store = try await reopen()
            #expect(try await reopened.store.nextDelivery() == world.clock.wallTime())
            let fresh = try await reopened.claimOne()
            #expect(fresh.delivery.id == stale.delivery.id)
            #expect(fresh.delivery.attempts == 2)
            await #expect(throws: TaskStoreError.leaseLost) {
                try await reopened.store.conclude(stale, with: .delivered(response: 200))
            }
            try await reopened.store.conclude(fresh, with: .delivered(response: 200))
            #expect(try await reopened.events(of: id, .delivered) == [.succeeded])
        },
        DeliveryStoreConformance(name: "A task is kept while something is to be delivered, then removed with it") {
            world in
            let retention = Retention(tasks: .seconds(60), events: nil, deliveries: nil, idempotencyKeys: nil)
            let id = try await world.succeed("a")
            let silent = try await world.tasks.submit("a").task.id
            world.clock.advance(by: .seconds(3600))
            _ = try await world.tasks.purgeAll(retention)
            #expect(try await world.tasks.status(id) == .succeeded)
            #expect(try await world.tasks.status(silent) == nil)
            let claimed = try await world.claimOne()
            #expect(claimed.task.id == id)
            try await world.store.conclude(claimed, with: .delivered(response: 200))
            #expect(try await world.tasks.purgeAll(retention) > 0)
            #expect(try await world.tasks.status(id) == nil)
            #expect(try await world.deliveries(of: id).isEmpty)
        },
        DeliveryStoreConformance(
            name: "Of a task that was removed the cancellation is still delivered, then all is gone"
        ) {
            world in
            let forEver = Retention(tasks: nil, events: nil, deliveries: nil, idempotencyKeys: nil)
            let id = try await world.tasks.submit("a", callback: .fixture()).task.id
            _ = try await world.store.remove(id, of: .standard)
            _ = try await world.tasks.purgeAll(forEver)
            let claimed = try await world.claimOne()
            #expect(claimed.delivery.event == .cancelled)
            #expect(claimed.task.id == id)
            #expect(claimed.task.status == .cancelled)
            let failed = DeliveryOutcome.retry(after: .seconds(60), response: 500, DeliveryStoreWorld.failure)
            try await world.store.conclude(claimed, with: failed)
            _ = try await world.tasks.purgeAll(forEver)
            world.clock.advance(by: .seconds(60))
            try await world.store.conclude(try await world.claimOne(), with: .delivered(response: 200))
            #expect(try await world.tasks.purgeAll(forEver) > 0)
            #expect(try await world.deliveries(of: id).isEmpty)
            #expect(try await world.store.nextDelivery() == nil)
        },
        DeliveryStoreConformance(name: "Ended deliveries have an age of their own") { world in
            let retention = Retention(tasks: nil, events: nil, deliveries: .seconds(60), idempotencyKeys: nil)
            let delivered = try await world.succeed("a")
            try await world.store.conclude(try await world.claimOne(), with: .delivered(response: 200))
            let waiting = try await world.succeed("b")
            world.clock.advance(by: .seconds(59))
            #expect(try await world.tasks.purgeAll(retention) == 0)
            world.clock.advance(by: .seconds(1))
            #expect(try await world.tasks.purgeAll(retention) == 1)
            #expect(try await world.deliveries(of: delivered).isEmpty)
            #expect(try await world.tasks.status(delivered) == .succeeded)
            #expect(try await world.events(of: waiting, .pending) == [.succeeded])
        },
    ]
}
