import Tasks
import TestSupport
import Testing

@Suite("The fair queue against a plain list")
struct FairQueueModelTests {
    /// One random load: a queue and the list are told the same and must say the same.
    private struct Load {
        var random: SeededGenerator
        var queue: FairQueue
        var list: NaiveFairQueue
        var now: Int64 = 0
        var nextID: Int64 = 0
        var taken: [WaitingGeneration] = []
        /// Whether tenants may have only so much running.
        var limits: Bool

        init(seed: UInt64, aging: Duration) {
            random = SeededGenerator(seed: seed)
            limits = seed.isMultiple(of: 2)
            queue = FairQueue(aging: aging)
            list = NaiveFairQueue(aging: aging)
        }

        /// Costs and weights whose quotients and sums floating-point numbers hold exactly.
        mutating func generation(_ id: Int64) -> WaitingGeneration {
            let delay: Int64 = Int.random(in: 0..<6, using: &random) == 0 ? .random(in: 0..<3000, using: &random) : 0
            var waiting = WaitingGeneration.fixture(
                id,
                tenant: "tenant \(Int.random(in: 0..<4, using: &random))",
                weight: Double(1 << Int.random(in: 0...2, using: &random)),
                priority: [-10, 0, 10, 3].randomElement(using: &random) ?? 0,
                lane: "lane \(Int.random(in: 0..<3, using: &random))",
                cost: Double(4 * Int.random(in: 0...6, using: &random)),
                batchKey: [nil, "one", "two"].randomElement(using: &random) ?? nil,
                since: now - .random(in: 0...200, using: &random),
                notBefore: delay == 0 ? 0 : now + delay
            )
            waiting.hasStarted = Int.random(in: 0..<8, using: &random) == 0
            waiting.runningLimit = limits ? [nil, nil, 1, 2].randomElement(using: &random) ?? nil : nil
            if Int.random(in: 0..<8, using: &random) == 0 { waiting.plan.memoryMode = .modelOffload }
            return waiting
        }

        /// One that waits, or one that does not.
        mutating func someID() -> GenerationID {
            let known = Int.random(in: 0..<10, using: &random) > 0 ? list.ids.randomElement(using: &random) : nil
            return known ?? GenerationID(rawValue: nextID + 1000)
        }

        mutating func step() {
            let moment = Timestamp(milliseconds: now)
            switch Int.random(in: 0..<20, using: &random) {
            case 0..<7:
                nextID += 1
                let new = generation(nextID)
                queue.insert(new)
                list.insert(new)
            case 7:
                let id = someID()
                let new = generation(id.rawValue)
                queue.insert(new)
                list.insert(new)
            case 8:
                let id = someID()
                #expect(queue.remove(id) == list.remove(id))
            case 9:
                let id = someID()
                let priority = [-10, 0, 3, 10].randomElement(using: &random) ?? 0
                queue.raise(id, to: priority)
                list.raise(id, to: priority)
            case 10..<15:
                // The first of all, the first of a lane, or any.
                let heads = list.heads(at: moment)
                let head = Bool.random(using: &random) ? heads.first : heads.randomElement(using: &random)
                let id = Int.random(in: 0..<5, using: &random) > 0 ? head?.id ?? someID() : someID()
                let one = queue.take(id, at: moment)
                #expect(one == list.take(id, at: moment))
                if let one { taken.append(one) }
            case 15..<18:
                guard !taken.isEmpty else { return }
                let ended = taken.remove(at: .random(in: 0..<taken.count, using: &random))
                let actual = Double(4 * Int.random(in: 0...6, using: &random))
                queue.settle(ended.id, actual: actual)
                list.settle(ended.id, actual: actual)
            default:
                now += .random(in: 0..<800, using: &random)
            }
        }

        mutating func compare() {
            let moment = Timestamp(milliseconds: now)
            #expect(queue.count == list.count)
            #expect(queue.cost == list.cost)
            // Asked before anything has brought the queue to this moment, and after.
            let early = queue.order(limit: 5, at: moment)
            #expect(queue.heads(at: moment) == list.heads(at: moment))
            let order = list.order()
            #expect(early == Array(order.prefix(5)))
            #expect(queue.order(limit: .max, at: moment) == order)
            #expect(queue.nextDelayed == list.nextDelayed)
            let id = someID()
            let companions = list.companions(of: id)
            #expect(queue.companions(of: id, limit: .max, at: moment) == companions)
            #expect(queue.companions(of: id, limit: 2, at: moment) == Array(companions.prefix(2)))
        }
    }

    @Test("Heads, order, companions, count and cost stay those of the list", arguments: 0..<24)
    func random(seed: UInt64) {
        var load = Load(seed: seed, aging: seed.isMultiple(of: 3) ? .zero : .milliseconds(400 + Int(seed) * 50))
        for _ in 0..<200 {
            load.step()
            load.compare()
        }
        while let first = load.queue.heads(at: .init(milliseconds: load.now)).first {
            let moment = Timestamp(milliseconds: load.now)
            #expect(load.queue.take(first.id, at: moment) == load.list.take(first.id, at: moment))
        }
    }
}
