import Tasks
import TestSupport
import Testing

@Suite("The fair queue")
struct FairQueueTests {
    @Test("What was charged too much is given back, what was charged too little is owed")
    func settling() {
        let now = Timestamp(milliseconds: 0)
        var queue = FairQueue(aging: .zero)
        for index in 0..<4 {
            queue.insert(.fixture(Int64(index), tenant: "a", cost: 10))
            queue.insert(.fixture(Int64(10 + index), tenant: "b", cost: 10))
        }
        func next() -> [Int64] { queue.order(limit: 3, at: now).map(\.id.rawValue) }
        #expect(queue.takeFirst()?.id.rawValue == 0)
        #expect(next() == [10, 1, 11])
        queue.settle(GenerationID(rawValue: 0), actual: 0)
        #expect(next() == [1, 10, 2])
        // Known once only.
        queue.settle(GenerationID(rawValue: 0), actual: 1000)
        #expect(next() == [1, 10, 2])
        #expect(queue.takeFirst()?.id.rawValue == 1)
        queue.settle(GenerationID(rawValue: 1), actual: 25)
        #expect(next() == [10, 11, 12])
        queue.settle(GenerationID(rawValue: 99), actual: 5)
        #expect(next() == [10, 11, 12])
    }

    @Test("What is given back late is no credit for who has started anew since")
    func lateRefund() {
        var queue = FairQueue(aging: .zero)
        queue.insert(.fixture(0, tenant: "a", cost: 5))
        for index in 1..<40 { queue.insert(.fixture(Int64(index), tenant: "b", cost: 1)) }
        #expect(queue.takeFirst()?.tenant.rawValue == "a")
        for _ in 0..<20 { _ = queue.takeFirst() }
        for index in 100..<110 { queue.insert(.fixture(Int64(index), tenant: "a", cost: 1, since: 1)) }
        queue.settle(GenerationID(rawValue: 0), actual: 0)
        let order = queue.order(limit: 10, at: Timestamp(milliseconds: 0)).map(\.tenant.rawValue)
        #expect(order.count { $0 == "a" } == 5)
    }

    @Test("Delayed generations are not taken before their time, and come back to their place")
    func delays() {
        var queue = FairQueue(aging: .zero)
        queue.insert(.fixture(1, since: 0, notBefore: 5000))
        queue.insert(.fixture(2, since: 1))
        #expect(queue.nextDelayed == Timestamp(milliseconds: 5000))
        #expect(queue.heads(at: Timestamp(milliseconds: 4999)).map(\.id.rawValue) == [2])
        #expect(queue.take(GenerationID(rawValue: 1), at: Timestamp(milliseconds: 4999)) == nil)
        #expect(queue.count == 2)
        #expect(queue.heads(at: Timestamp(milliseconds: 5000)).map(\.id.rawValue) == [1])
        #expect(queue.nextDelayed == nil)
        // A clock that goes back changes nothing.
        #expect(queue.heads(at: Timestamp(milliseconds: 0)).map(\.id.rawValue) == [1])
    }

    @Test("With one device that does equal work, what lies ahead is just what is served before", arguments: 1...8)
    func ahead(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var queue = FairQueue(aging: .zero)
        for index in 0..<200 {
            let tenant = "\(Int.random(in: 0..<6, using: &random))"
            let priority = [-10, 0, 10].randomElement(using: &random) ?? 0
            queue.insert(.fixture(Int64(index), tenant: tenant, priority: priority, cost: 8))
        }
        for _ in 0..<50 { _ = queue.takeFirst() }
        let now = Timestamp(milliseconds: 0)
        for tenant in ["0", "1", "new"] {
            for priority in [-10, 0, 10] {
                let ahead = queue.ahead(of: TenantID(rawValue: tenant), weight: 1, priority: priority, at: now)
                var later = queue
                later.insert(.fixture(1000, tenant: tenant, priority: priority, cost: 8, since: 1))
                let order = later.order(limit: .max, at: now)
                #expect(order.prefix { $0.id.rawValue != 1000 }.reduce(0) { $0 + $1.cost } == ahead)
            }
        }
    }

    @Test("Numbers that make no sense break nothing")
    func nonsense() {
        var queue = FairQueue(aging: .seconds(Int64.max / 2))
        let numbers = [Double.nan, .infinity, -.infinity, -1, 0, .greatestFiniteMagnitude, .leastNonzeroMagnitude]
        var id: Int64 = 0
        for cost in numbers {
            for weight in numbers {
                for since in [Int64.min, 0, .max] {
                    id += 1
                    let notBefore = id.isMultiple(of: 2) ? since : 0
                    let tenant = "\(id % 3)"
                    let priority = [Int.min, 0, .max][Int(id % 3)]
                    queue.insert(
                        .fixture(
                            id,
                            tenant: tenant,
                            weight: weight,
                            priority: priority,
                            cost: cost,
                            since: since,
                            notBefore: notBefore
                        )
                    )
                }
            }
        }
        #expect(queue.cost.isFinite)
        for moment in [Int64.min, 0, 1, .max] {
            let now = Timestamp(milliseconds: moment)
            for _ in 0..<20 {
                _ = queue.order(limit: 5, at: now)
                #expect(queue.ahead(of: .standard, weight: .nan, priority: 0, at: now).isFinite)
                guard let taken = queue.takeFirst(at: now) else { continue }
                queue.settle(taken.id, actual: numbers[Int(taken.id.rawValue) % numbers.count])
            }
        }
        while queue.takeFirst(at: Timestamp(milliseconds: .max)) != nil {}
        #expect(queue.count == 0)
        #expect(queue.cost == 0)
    }

    @Test("Of tenants that come and go by the thousand none is served before its turn, or long after")
    func manyTenants() {
        var queue = FairQueue(aging: .zero)
        for index in 0..<6000 { queue.insert(.fixture(Int64(1_000_000 + index), tenant: "constant", cost: 1)) }
        for index in 0..<5000 {
            queue.insert(.fixture(Int64(index), tenant: "\(index)", cost: 1, since: Int64(index)))
            for _ in 0..<2 {
                guard let taken = queue.takeFirst() else { break }
                queue.settle(taken.id, actual: 1)
            }
        }
        #expect(queue.count == 1000)
        queue.insert(.fixture(9_000_000, tenant: "7", cost: 1, since: 10_000))
        let order = queue.order(limit: 2, at: Timestamp(milliseconds: 0))
        #expect(order.contains { $0.id.rawValue == 9_000_000 })
    }
}
