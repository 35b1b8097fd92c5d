import Foundation
import Redis
import Synchronization
import Tasks
import TasksRedis
import TasksSQLite
import TestSupport
import Testing

/// A store as some processes have it open.
private struct RatedStore: Sendable {
    let name: String
    let processes: [any TaskStore]

    /// One of the processes, for a caller with this number.
    func process(_ caller: Int) -> any TaskStore { processes[caller % processes.count] }

    /// Submits, claims and finishes so many generations, with several callers at a time.
    ///
    /// - Returns: how many a second of each, and which generations were claimed.
    func rates(_ count: Int, round: Int) async throws -> (rates: [String: Double], claimed: [GenerationID]) {
        var rates: [String: Double] = [:]
        rates["submit"] = try await rate(count, callers: 32) { caller, number in
            _ = try await process(caller).submit(.fixture("\(round) \(number)"), queueLimit: 1_000_000)
        }
        let leases = Mutex<[Lease]>([])
        let request = ClaimRequest(owner: WorkerID(rawValue: "worker"), duration: .seconds(3_600))
        rates["claim the first"] = try await rate(count / 2, callers: 4) { caller, _ in
            let claimed = try #require(try await process(caller).claim(request))
            leases.withLock { $0.append(claimed.lease) }
        }
        rates["look and claim"] = try await rate(count / 2, callers: 4) { caller, _ in
            // As a dispatcher does: another may be quicker.
            while true {
                var chosen = request
                chosen.generation = try #require(try await process(caller).heads().heads.first).id
                guard let claimed = try await process(caller).claim(chosen) else { continue }
                return leases.withLock { $0.append(claimed.lease) }
            }
        }
        let claimed = leases.withLock { $0 }
        rates["finish"] = try await rate(count / 2, callers: 4) { caller, number in
            let result = GenerationResult.numbered(round * count + number)
            try await process(caller).finish(claimed[number], with: .succeeded(result, model: "fixture", answers: nil))
        }
        rates["finish with the same video"] = try await rate(count / 2, callers: 4) { caller, number in
            let lease = claimed[count / 2 + number]
            try await process(caller).finish(lease, with: .succeeded(.fixture, model: "fixture", answers: nil))
        }
        return (rates, claimed.map(\.generation))
    }

    /// How many times a second callers do something, of which there is so much in all.
    private func rate(
        _ count: Int,
        callers: Int,
        _ body: @escaping @Sendable (_ caller: Int, _ number: Int) async throws -> Void
    ) async throws -> Double {
        let started = ContinuousClock.now
        try await withThrowingTaskGroup(of: Void.self) { group in
            for caller in 0..<callers {
                group.addTask {
                    for number in stride(from: caller, to: count, by: callers) { try await body(caller, number) }
                }
            }
            try await group.waitForAll()
        }
        return Double(count) / ((ContinuousClock.now - started) / .seconds(1))
    }
}

@Suite("What stores take and give out in a second")
struct StoreRateTests {
    /// `ANIMATO_STORE_ROUNDS` for the long version, which prints its figures.
    private static let long = ProcessInfo.processInfo.environment["ANIMATO_STORE_ROUNDS"].flatMap { Int($0) }
    private static let (rounds, count) = (long ?? 1, long == nil ? 300 : 1_000)
    /// How much slower than SQLite one Redis for several processes may be; something worse than slow would show.
    private static let allowance = 50.0

    @Test("Several processes get each generation once, and at a rate like that of one")
    func rates() async throws {
        try await withTemporaryDirectory { directory in
            let sqlite = try await SQLiteTaskStore.open(
                path: "\(directory)/tasks.sqlite",
                clock: ManualClock(),
                logger: .quiet
            )
            let quick = try await RedisFixture(extra: ["--appendonly", "yes", "--appendfsync", "everysec"])
            let safe = try await RedisFixture(isDurable: true)
            try await RedisStores.with(1, server: quick) { one in
                try await RedisStores.with(4, server: quick) { four in
                    try await RedisStores.with(4, server: safe) { durable in
                        try await compare([
                            RatedStore(name: "SQLite, 1 process", processes: [sqlite]),
                            RatedStore(name: "Redis, everysec, 1 process", processes: one.stores),
                            RatedStore(name: "Redis, everysec, 4 processes", processes: four.stores),
                            RatedStore(name: "Redis, always, 4 processes", processes: durable.stores),
                        ])
                    }
                }
            }
            try await sqlite.close()
        }
    }

    /// In turn, so that whatever else the machine does, it does to all.
    private func compare(_ stores: [RatedStore]) async throws {
        var figures: [String: [String: [Double]]] = [:]
        for round in 0..<Self.rounds {
            for store in stores {
                let (rates, claimed) = try await store.rates(Self.count, round: round)
                #expect(claimed.count == Self.count && Set(claimed).count == Self.count, "\(store.name)")
                for (operation, rate) in rates {
                    figures[operation, default: [:]][store.name, default: []].append(rate)
                }
            }
        }
        for (operation, rates) in figures.sorted(by: { $0.key < $1.key }) {
            let medians = stores.map { store in (rates[store.name] ?? []).sorted()[Self.rounds / 2] }
            for (store, median) in zip(stores, medians) {
                #expect(
                    median * Self.allowance > medians[0], "\(operation), \(store.name): \(median), not \(medians[0])")
                if Self.long != nil {
                    print("\(operation), \(store.name): \(Int(median)), \(median / medians[0]) times")
                }
            }
        }
    }
}
