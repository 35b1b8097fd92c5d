import Tasks
import Testing

extension DeliveryStoreConformance {
    private static let slow = "https://slow.example:443"
    private static let quick = "https://quick.example:443"

    static let claiming: [DeliveryStoreConformance] = [
        DeliveryStoreConformance(name: "What has been due for longest comes first") { world in
            var ids: [TaskID] = []
            for index in 0..<5 {
                ids.append(try await world.succeed("\(index)"))
                world.clock.advance(by: .seconds(1))
            }
            #expect(try await world.claim(limit: 3).map(\.delivery.id.task) == Array(ids[0..<3]))
            #expect(try await world.claim().map(\.delivery.id.task) == Array(ids[3...]))
            #expect(try await world.claim().isEmpty)
        },
        DeliveryStoreConformance(name: "No delivery is claimed twice by many claimers") { world in
            for index in 0..<40 { try await world.succeed("\(index)", to: "https://\(index % 3)") }
            let claimed = try await withThrowingTaskGroup(of: [DeliveryID].self) { group in
                for _ in 0..<8 {
                    group.addTask {
                        var mine: [DeliveryID] = []
                        while true {
                            let claimed = try await world.claim(limit: 3)
                            if claimed.isEmpty { return mine }
                            mine += claimed.map(\.delivery.id)
                        }
                    }
                }
                return try await group.reduce(into: []) { $0 += $1 }
            }
            #expect(claimed.count == 40)
            #expect(Set(claimed).count == 40)
        },
        DeliveryStoreConformance(name: "A receiver gets no more than its limit") { world in
            for index in 0..<6 { try await world.succeed("\(index)", to: slow) }
            #expect(try await world.claim(receiverLimit: 2).count == 2)
            #expect(try await world.claim(receiverLimit: 2, underWay: [slow: 2]).isEmpty)
            #expect(try await world.claim(receiverLimit: 2, underWay: [slow: 1]).count == 1)
            #expect(try await world.claim(receiverLimit: 0).isEmpty)
            #expect(try await world.claim(limit: 0).isEmpty)
        },
        DeliveryStoreConformance(name: "A receiver at its limit holds nobody up") { world in
            for index in 0..<50 { try await world.succeed("\(index)", to: slow) }
            world.clock.advance(by: .seconds(1))
            let other = try await world.succeed("other", to: quick)
            let claimed = try await world.claim(limit: 4, receiverLimit: 2, underWay: [slow: 2])
            #expect(claimed.map(\.delivery.id.task) == [other])
        },
        DeliveryStoreConformance(name: "Places are shared out among receivers, however much waits for one") { world in
            for index in 0..<50 { try await world.succeed("\(index)", to: slow) }
            world.clock.advance(by: .seconds(1))
            let others = [try await world.succeed("b", to: quick), try await world.succeed("c", to: "https://c")]
            let claimed = try await world.claim(limit: 4, receiverLimit: 10)
            #expect(claimed.count == 4)
            #expect(Set(others).isSubset(of: claimed.map(\.delivery.id.task)))
        },
        DeliveryStoreConformance(name: "Who has fewer under way comes first") { world in
            for index in 0..<5 { try await world.succeed("s\(index)", to: slow) }
            world.clock.advance(by: .seconds(1))
            for index in 0..<5 { try await world.succeed("q\(index)", to: quick) }
            let claimed = try await world.claim(limit: 3, receiverLimit: 10, underWay: [slow: 2])
            #expect(claimed.map(\.delivery.url.receiver) == [quick, quick, slow])
        },
        DeliveryStoreConformance(name: "Receivers take turns, so that old heaps do not starve a new delivery") {
            world in
            for heap in 0..<3 {
                for index in 0..<5 { try await world.succeed("\(heap)-\(index)", to: "https://\(heap)") }
            }
            world.clock.advance(by: .seconds(1))
            try await world.succeed("new", to: quick)
            var order: [String] = []
            for _ in 0..<5 {
                world.clock.advance(by: .milliseconds(10))
                let claimed = try #require(try await world.claim(limit: 1).first)
                try await world.store.conclude(claimed, with: .delivered(response: 200))
                order.append(claimed.delivery.url.receiver)
            }
            #expect(order == ["https://0", "https://1", "https://2", quick, "https://0"])
        },
        DeliveryStoreConformance(name: "A claim that is not concluded in time is due again") { world in
            try await world.succeed("a")
            let first = try await world.claimOne()
            #expect(try await world.store.nextDelivery() == world.clock.wallTime().advanced(by: .seconds(30)))
            world.clock.advance(by: .milliseconds(29_999))
            #expect(try await world.claim().isEmpty)
            world.clock.advance(by: .milliseconds(1))
            let second = try await world.claimOne()
            #expect(second.delivery.id == first.delivery.id)
            #expect(second.delivery.attempts == 2)
            #expect(second.fence > first.fence)
        },
        DeliveryStoreConformance(name: "Of one task, no event is claimed before the earlier ones are through") {
            world in
            let callback = Callback.fixture(events: [.succeeded, .started])
            let id = try await world.tasks.submit("a", callback: callback).task.id
            let other = try await world.tasks.submit("b", priority: -1, callback: callback).task.id
            let generation = try #require(try await world.tasks.claim())
            let started = try await world.claimOne()
            try await world.store.finish(generation.lease, with: .fixture(generation))
            try await world.tasks.make()
            #expect(try await world.claim().map(\.delivery.id.task) == [other])
            try await world.store.conclude(started, with: .delivered(response: 200))
            #expect(try await world.claimOne().delivery.id.task == id)
        },
    ]
}
