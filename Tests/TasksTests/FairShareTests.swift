import Tasks
import TestSupport
import Testing

@Suite("What the fair queue is fair about")
struct FairShareTests {
    @Test("Equal tenants with equal backlogs get equal device time", arguments: [1, 4, 16], [1, 2, 3])
    func equalShares(devices: Int, seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var fleet = Fleet(devices: devices)
        // In one go each, so that age alone would serve one after the other; small ones of one, large ones of others.
        for tenant in 0..<10 {
            for index in 0..<1000 {
                let cost = Double.random(in: 1...10, using: &random) * Double(1 + tenant % 3)
                fleet.queue.insert(.fixture(Int64(tenant * 1000 + index), tenant: "\(tenant)", cost: cost))
            }
        }
        while fleet.now < 8000 / Double(devices) {
            fleet.begin()
            _ = fleet.end()
        }
        #expect(fleet.served.count == 10)
        #expect(jain(Array(fleet.served.values)) >= 0.99)
    }

    @Test("Equal tenants get equal device time whatever was predicted for them")
    func wrongPredictions() {
        var fleet = Fleet(devices: 4)
        for index in 0..<4000 {
            fleet.queue.insert(.fixture(Int64(index), tenant: "\(index % 4)", cost: 10))
        }
        while fleet.now < 800 {
            // From a tenth of what was predicted to ten times as much.
            fleet.begin { [1.0, 5, 20, 100][Int($0.id.rawValue) % 4] }
            _ = fleet.end()
        }
        #expect(jain(Array(fleet.served.values)) >= 0.99)
    }

    @Test("Tenants of the weights 1, 2 and 4 get shares within 5 % of that", arguments: [1, 3])
    func weights(devices: Int) throws {
        var fleet = Fleet(devices: devices)
        for index in 0..<6000 {
            let weight = [1.0, 2, 4][index % 3]
            fleet.queue.insert(.fixture(Int64(index), tenant: "\(weight)", weight: weight, cost: Double(1 + index % 7)))
        }
        while fleet.now < 3000 / Double(devices) {
            fleet.begin()
            _ = fleet.end()
        }
        let one = try #require(fleet.served["1.0"])
        #expect(abs((fleet.served["2.0"] ?? 0) / one / 2 - 1) < 0.05)
        #expect(abs((fleet.served["4.0"] ?? 0) / one / 4 - 1) < 0.05)
    }

    @Test("A thousand of one tenant delay the one of another by one generation a device", arguments: [1, 8])
    func oneAgainstMany(devices: Int) {
        var fleet = Fleet(devices: devices)
        for index in 0..<1000 { fleet.queue.insert(.fixture(Int64(index), tenant: "many", cost: 10)) }
        for step in 0..<20 {
            fleet.begin()
            _ = fleet.end()
            let id = GenerationID(rawValue: Int64(10_000 + step))
            fleet.queue.insert(.fixture(id.rawValue, tenant: "new \(step)", cost: 10, since: Int64(fleet.now * 1000)))
            let submitted = fleet.now
            // A device is free now; those that are busy are with one of the thousand, which is over after ten seconds.
            fleet.begin()
            #expect(fleet.began.last?.generation.id == id || fleet.queue[id] == nil)
            #expect(fleet.now - submitted <= 10)
        }
    }

    @Test(
        "However old a backlog of a thousand is, it delays the one of another by one generation a device",
        arguments: [1, 8],
        [-10, 0]
    )
    func oldBacklog(devices: Int, priority: Int) {
        var fleet = Fleet(devices: devices, aging: .seconds(600))
        for index in 0..<1000 {
            fleet.queue.insert(.fixture(Int64(index), tenant: "many", priority: priority, cost: 10))
        }
        // An hour passes in which nothing is made, and then the fleet is busy with it.
        fleet.wait(until: 3600)
        for step in 0..<40 {
            fleet.begin()
            _ = fleet.end()
            let id = GenerationID(rawValue: Int64(10_000 + step))
            fleet.queue.insert(.fixture(id.rawValue, tenant: "new \(step)", cost: 10, since: Int64(fleet.now * 1000)))
            let (submitted, before) = (fleet.now, fleet.began.count)
            repeat {
                fleet.begin()
                if fleet.queue[id] == nil { break }
                _ = fleet.end()
            } while true
            #expect(fleet.now - submitted <= 10)
            #expect(fleet.began[before...].count { $0.generation.id != id } <= devices)
        }
    }

    @Test("A backlog below an endless flood of more urgent work is served one by one", arguments: [-10, 0])
    func floodedBacklog(priority: Int) {
        let aging = 100.0
        var fleet = Fleet(devices: 2, aging: .seconds(100))
        let backlog = 30
        for index in 0..<backlog {
            fleet.queue.insert(.fixture(Int64(index), tenant: "patient", priority: priority, cost: 5))
        }
        var id: Int64 = 1000
        while fleet.queue[GenerationID(rawValue: Int64(backlog - 1))] != nil, fleet.now < 10_000 {
            for tenant in 0..<4 {
                for _ in fleet.queue.count..<40 {
                    id += 1
                    fleet.queue.insert(
                        .fixture(id, tenant: "urgent \(tenant)", priority: 10, cost: 5, since: Int64(fleet.now * 1000))
                    )
                }
            }
            fleet.begin()
            _ = fleet.end()
        }
        let steps = priority < 0 ? 2.0 : 1
        let served = fleet.began.filter { $0.generation.priority == priority }
        #expect(served.count == backlog)
        for (index, one) in served.enumerated() {
            // One after the other: no sooner than one each time, no later than that and its turn among five tenants.
            #expect(one.at >= Double(index + 1) * aging)
            #expect(one.at <= (Double(index) + steps) * (aging + 5 * 5))
        }
    }

    @Test("Who had nothing waiting has saved up no right")
    func noCredit() {
        var fleet = Fleet(devices: 1)
        for index in 0..<2000 { fleet.queue.insert(.fixture(Int64(index), tenant: "busy", cost: 1)) }
        for _ in 0..<1000 {
            fleet.begin()
            _ = fleet.end()
        }
        for index in 2000..<4000 { fleet.queue.insert(.fixture(Int64(index), tenant: "idle", cost: 1)) }
        for _ in 0..<100 {
            fleet.begin()
            _ = fleet.end()
        }
        #expect(abs((fleet.served["idle"] ?? 0) - 50) <= 1)
        #expect(abs((fleet.served["busy"] ?? 0) - 1050) <= 1)
    }

    @Test("A lane that nothing could be taken from gains no right over others, and keeps its own order")
    func blockedLane() {
        var queue = FairQueue(aging: .zero)
        for index in 0..<20 {
            queue.insert(.fixture(Int64(index), tenant: "one", lane: "large", cost: 1))
            queue.insert(.fixture(Int64(100 + index), tenant: "two", lane: "large", cost: 1))
            queue.insert(.fixture(Int64(200 + index), tenant: "three", lane: "small", cost: 1))
        }
        let now = Timestamp(milliseconds: 0)
        // The first of the large ones, and then only small ones.
        _ = queue.take(GenerationID(rawValue: 0), at: now)
        for index in 0..<10 { _ = queue.take(GenerationID(rawValue: Int64(200 + index)), at: now) }
        let tenants = queue.order(limit: 6, at: now).map(\.tenant.rawValue)
        // "two" has had nothing yet, "one" as much as "three" had of late: no more than that is made up for.
        #expect(tenants.first == "two")
        #expect(Set(tenants[1...3]) == ["one", "two", "three"])
        // Who comes new to the large lane is not behind what happened in the small one.
        queue.insert(.fixture(1000, tenant: "new", lane: "large", cost: 1))
        let position = queue.order(limit: 60, at: now).firstIndex { $0.tenant.rawValue == "new" }
        #expect((position ?? 60) <= 3)
    }

    @Test("What is used in one lane counts in the others")
    func lanesOfOneTenant() {
        var fleet = Fleet(devices: 1)
        for index in 0..<600 {
            fleet.queue.insert(.fixture(Int64(index), tenant: "spread", lane: "\(index % 5)", cost: 1))
            fleet.queue.insert(.fixture(Int64(1000 + index), tenant: "plain", lane: "0", cost: 1))
        }
        for _ in 0..<400 {
            fleet.begin()
            _ = fleet.end()
        }
        #expect(abs((fleet.served["spread"] ?? 0) - 200) <= 2)
    }

    @Test("Nothing waits for ever below what is more urgent", arguments: [1, 2, 3])
    func noStarvation(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let aging = 100.0
        var fleet = Fleet(devices: 2, aging: .seconds(100))
        var id: Int64 = 0
        var tenants = (0..<5).map { "tenant \($0)" }
        tenants.append("batch")
        func new(_ tenant: String, _ priority: Int, at now: Double) -> WaitingGeneration {
            id += 1
            let cost = Double(Int.random(in: 2...12, using: &random))
            return .fixture(id, tenant: tenant, priority: priority, cost: cost, since: Int64(now * 1000))
        }
        // Urgent work always waits, of every tenant; the load would keep the devices busy without anything else.
        for _ in 0..<3000 {
            for tenant in tenants.prefix(5) {
                while fleet.queue.count < 30 { fleet.queue.insert(new(tenant, 10, at: fleet.now)) }
            }
            if Int.random(in: 0..<20, using: &random) == 0 {
                let tenant = tenants.randomElement(using: &random) ?? "batch"
                fleet.queue.insert(new(tenant, [-10, 0].randomElement(using: &random) ?? 0, at: fleet.now))
            }
            fleet.begin()
            _ = fleet.end()
        }
        let low = fleet.began.filter { $0.generation.priority < 10 }
        #expect(low.count > 20)
        // Two priorities up, and then what one tenant may have before it, with what is its own.
        for (generation, at) in low {
            let since = Double(generation.since.milliseconds) / 1000
            #expect(at - since < 2 * aging + 30 * 12)
        }
        let left = fleet.queue.order(limit: .max, at: Timestamp(milliseconds: Int64(fleet.now * 1000)))
        for waiting in left {
            #expect(fleet.now - Double(waiting.since.milliseconds) / 1000 < 2 * aging + 30 * 12)
        }
    }
}
