import Foundation

// Measures `FairQueue` with a growing number of generations that wait: `fair_queue.py` compiles it with Sources/Tasks.

/// Bytes of memory that the process has.
func residentBytes() -> Int {
    let pages = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8))?
        .split(separator: " ").dropFirst().first.flatMap { Int($0) }
    return (pages ?? 0) * Int(sysconf(Int32(_SC_PAGESIZE)))
}

/// What waits in a server with many tenants: three priorities, six lanes, forty shapes, five hundred tenants.
func generation(_ id: Int64) -> WaitingGeneration {
    let shape = VideoShape(width: 384 + Int(id % 8) * 64, height: 384, numFrames: 49)
    let model = "EasyAnimateV5.1-\(id % 3 == 0 ? 12 : 7)b-zh"
    let steps = 10 * (1 + Int(id % 5))
    return WaitingGeneration(
        id: GenerationID(rawValue: id),
        tenant: TenantID(rawValue: "tenant-with-a-long-name-\(id &* 2_654_435_761 % 500)"),
        weight: Double(1 + id % 3),
        priority: Int(id % 3 - 1) * 10,
        lane: Lane(model: model, memoryBytes: (id % 3 + 1) << 34),
        cost: Double(10 + id &* 40_503 % 90),
        work: Work(model: model, shape: shape, steps: steps, isGuided: true),
        batchKey: "\(shape.width)x\(shape.height)x\(shape.numFrames)@8 \(steps) 5.0 off \(model)",
        since: Timestamp(milliseconds: id * 10)
    )
}

/// The least of several measurements, in nanoseconds for each of so many.
func nanoseconds(rounds: Int, each count: Int, _ body: () -> Void) -> Double {
    (0..<rounds).map { _ in
        let start = ContinuousClock.now
        body()
        return (ContinuousClock.now - start).inSeconds * 1e9 / Double(count)
    }.min() ?? 0
}

let counts = CommandLine.arguments.dropFirst().compactMap { Int64($0) }
for count in counts {
    let before = residentBytes()
    var queue = FairQueue(aging: .seconds(1800))
    var next: Int64 = 0
    let insert = nanoseconds(rounds: 1, each: Int(count)) {
        while next < count {
            queue.insert(generation(next))
            next += 1
        }
    }
    let bytes = residentBytes() - before
    let now = { Timestamp(milliseconds: next * 10) }
    let cycle = nanoseconds(rounds: 5, each: 20_000) {
        for _ in 0..<20_000 {
            if let head = queue.heads(at: now()).first { _ = queue.take(head.id, at: now()) }
            queue.settle(GenerationID(rawValue: next - 1), actual: 10)
            queue.insert(generation(next))
            next += 1
        }
    }
    let making = nanoseconds(rounds: 5, each: 20_000) {
        for id in next..<next + 20_000 where generation(id).cost < 0 { return }
    }
    let order = nanoseconds(rounds: 5, each: 10) { for _ in 0..<10 { _ = queue.order(limit: 100, at: now()) } }
    let ahead = nanoseconds(rounds: 5, each: 100) {
        for _ in 0..<100 { _ = queue.ahead(of: .standard, weight: 1, priority: 0, at: now()) }
    }
    print(count, Int(insert - making), Int(cycle - making), Int(order), Int(ahead), bytes)
}
