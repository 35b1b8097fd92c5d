import Tasks
import TestSupport
import Testing

@testable import TasksSQLite

/// A transaction that fails leaves the queue as it was.
@Suite("The queue of open transactions")
struct WaitingQueueTests {
    private let now = Timestamp(milliseconds: 1000)

    private func waiting(_ id: Int64, tenant: String = "a", runningLimit: Int? = nil) -> WaitingGeneration {
        WaitingGeneration(
            id: GenerationID(rawValue: id),
            tenant: TenantID(rawValue: tenant),
            lane: Lane(model: "fixture"),
            work: Work(
                model: "fixture",
                shape: VideoShape(width: 672, height: 384, numFrames: 49),
                steps: 50,
                isGuided: true
            ),
            since: Timestamp(milliseconds: id),
            runningLimit: runningLimit
        )
    }

    private func queue(_ waiting: [WaitingGeneration], taken: Int) -> WaitingQueue {
        let queue = WaitingQueue(FairQueue(aging: .zero))
        for generation in waiting { queue.admit(generation) }
        for _ in 0..<taken { _ = queue.take(nil, at: now) }
        queue.commit()
        return queue
    }

    @Test("A generation that was not stored says nothing of how much of its tenant may run")
    func newLimit() {
        let queue = queue([waiting(1), waiting(2), waiting(3)], taken: 2)
        queue.admit(waiting(4, runningLimit: 1))
        queue.rollBack()
        #expect(queue.count == 1)
        #expect(queue.take(nil, at: now)?.id.rawValue == 3)
    }

    @Test("A claim that was not stored holds nobody")
    func claims() {
        let queue = queue([waiting(1, runningLimit: 1), waiting(2, runningLimit: 1)], taken: 0)
        #expect(queue.take(nil, at: now)?.id.rawValue == 1)
        #expect(queue.take(nil, at: now) == nil)
        queue.rollBack()
        #expect(queue.count == 2)
        #expect(queue.take(GenerationID(rawValue: 2), at: now) != nil)
    }

    @Test("An end that was not stored goes on counting as what runs, and is charged once", arguments: [false, true])
    func ends(goesBack: Bool) {
        let limited = [1, 2, 3].map { waiting($0, runningLimit: 1) }
        let queue = queue(limited + [waiting(10, tenant: "b"), waiting(11, tenant: "b")], taken: 1)
        queue.settle(GenerationID(rawValue: 1), actual: 3)
        if goesBack { queue.insert(limited[0]) }
        #expect(queue.take(nil, at: now)?.tenant.rawValue == "b")
        #expect(queue.take(GenerationID(rawValue: 2), at: now) != nil)
        queue.rollBack()
        #expect(queue.count == 4)
        #expect(queue.take(GenerationID(rawValue: 2), at: now) == nil)
        #expect(queue.take(GenerationID(rawValue: 10), at: now) != nil)
        queue.settle(GenerationID(rawValue: 10), actual: 4)
        // Seven seconds of the one, four of the other: the other is first.
        queue.settle(GenerationID(rawValue: 1), actual: 7)
        queue.commit()
        #expect(queue.read(at: now) { $0.order(limit: 3, at: now).map(\.id.rawValue) } == [11, 2, 3])
        #expect(queue.take(GenerationID(rawValue: 2), at: now) != nil)
    }

    @Test("Whatever a transaction does, what waits, runs and may run is as before", arguments: 1...20)
    func random(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let tenants = ["a", "b", "c"]
        let queue = WaitingQueue(FairQueue(aging: .zero))
        var nextID: Int64 = 0
        var running: [GenerationID] = []
        func standing() -> [String] {
            queue.read(at: now) { queue in
                var copy = copy queue
                let limits = tenants.map { "\(copy.runningLimit(of: TenantID(rawValue: $0)) ?? 0)" }
                // Each that may be taken, until nothing may.
                var taken: [String] = []
                while let head = copy.heads(at: now).first, copy.take(head.id, at: now) != nil {
                    taken.append("\(head.id)")
                }
                return limits + ["\(queue.count) \(queue.cost)"] + taken.sorted()
            }
        }
        for _ in 0..<30 {
            let before = (standing(), running)
            for _ in 0..<Int.random(in: 1...8, using: &random) {
                switch Int.random(in: 0..<4, using: &random) {
                case 0:
                    nextID += 1
                    let limit = [nil, 1, 2].randomElement(using: &random) ?? nil
                    queue.admit(waiting(nextID, tenant: tenants[Int(nextID) % 3], runningLimit: limit))
                case 1:
                    if let taken = queue.take(nil, at: now) { running.append(taken.id) }
                case 2:
                    guard let id = running.popLast() else { continue }
                    queue.settle(id, actual: 1)
                    queue.insert(waiting(id.rawValue, tenant: tenants[Int(id.rawValue) % 3], runningLimit: 1))
                default:
                    guard let id = running.popLast() else { continue }
                    queue.settle(id, actual: 1)
                    queue.remove(id)
                }
            }
            if Bool.random(using: &random) {
                queue.commit()
            } else {
                queue.rollBack()
                #expect(standing() == before.0)
                running = before.1
            }
        }
    }
}
