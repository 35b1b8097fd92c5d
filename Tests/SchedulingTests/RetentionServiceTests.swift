import Engine
import Foundation
import NIOCore
import Results
import Scheduling
import Synchronization
import Tasks
import TasksSQLite
import TestSupport
import Testing

@Suite("Scheduling: tidying up")
struct RetentionServiceTests {
    /// Nothing is over, too old or too much.
    private static let idle = RetentionSettings(
        retention: Retention(tasks: nil, events: nil, deliveries: nil, idempotencyKeys: nil),
        scrubBytes: 0
    )

    private static func evicting(bytes: Int64? = nil, age: Duration? = nil) -> RetentionSettings {
        var settings = idle
        settings.eviction = EvictionPolicy(maxBytes: bytes, maxAge: age)
        return settings
    }

    @Test("Over the quota, the video used longest ago goes; its task says so, and an equal request makes it anew")
    func quota() async throws {
        try await RetentionWorld.with { retention in
            let world = retention.world
            var tasks: [GenerationTask] = []
            for prompt in ["a", "b", "c"] { tasks.append(try await retention.make(prompt)) }
            let all = try await world.results.usage(oldest: 10)
            #expect(all.videos == 3)
            // `a` is used: now `b` is the oldest.
            retention.clock.advance(by: .seconds(120))
            _ = try await world.scheduler.video(try tasks[0].video)
            try await retention.tidying(Self.evicting(bytes: all.bytes - 1))
            var expired: [Bool] = []
            for task in tasks { expired.append(try await retention.isExpired(task)) }
            #expect(expired == [false, true, false])
            let gone = try tasks[1].video
            #expect(try await world.results.sidecar(of: gone) == nil)
            await #expect(throws: AdmissionError.videoExpired) { try await world.scheduler.video(gone) }
            #expect(try await retention.now(tasks[1])?.status == .succeeded)

            let again = try await world.submit("b")
            #expect(again.disposition == .queued)
            _ = try await world.task(again.task.id, reaches: .succeeded)
            #expect(try await world.scheduler.video(gone) != nil)
            #expect(try await retention.isExpired(tasks[1]) == false)
        }
    }

    @Test("Of several processes one tidies up, and another once that one is gone")
    func turns() async throws {
        try await RetentionWorld.with { retention in
            let task = try await retention.make("a")
            let coordination = LocalCoordination(clock: retention.clock)
            let (one, other) = (WorkerID(rawValue: "one"), WorkerID(rawValue: "other"))
            let turn = DutyTurn(DutyTurn.retention, as: one, coordination)
            #expect(try await coordination.lead(DutyTurn.retention, as: other, for: .seconds(60)))
            try await retention.tidying(Self.evicting(bytes: 0), turn: turn)
            #expect(try await retention.isExpired(task) == false)
            retention.clock.advance(by: .seconds(61))
            try await retention.tidying(Self.evicting(bytes: 0), turn: turn)
            #expect(try await retention.isExpired(task))
        }
    }

    @Test("A quota of nothing leaves nothing, and a missing one everything")
    func extremes() async throws {
        try await RetentionWorld.with { retention in
            let task = try await retention.make("a")
            retention.clock.advance(by: .seconds(86_400 * 1000))
            try await retention.tidying(Self.idle)
            #expect(try await retention.isExpired(task) == false)
            try await retention.tidying(Self.evicting(bytes: 0))
            #expect(try await retention.isExpired(task))
            #expect(try await retention.world.results.usage(oldest: 10).videos == 0)
        }
    }

    @Test("What was not used for long enough goes, what was used stays")
    func age() async throws {
        try await RetentionWorld.with { retention in
            let (used, unused) = (try await retention.make("a"), try await retention.make("b"))
            retention.clock.advance(by: .seconds(3000))
            _ = try await retention.world.scheduler.video(try used.video)
            try await retention.tidying(Self.evicting(age: .seconds(3600))) { pass async throws in
                #expect(try await retention.isExpired(unused) == false)
                retention.clock.advance(by: .seconds(1000))
                await pass()
                #expect(try await retention.isExpired(unused))
                #expect(try await retention.isExpired(used) == false)
            }
        }
    }

    @Test("Who is reading a video that goes reads it to its end")
    func reading() async throws {
        try await RetentionWorld.with { retention in
            let task = try await retention.make("a")
            let content = try #require(try await retention.world.scheduler.video(try task.video))
            guard case .file(let file) = content else {
                Issue.record("it is no file")
                return
            }
            retention.clock.advance(by: .seconds(600))
            try await retention.tidying(Self.evicting(bytes: 0))
            #expect(try await retention.isExpired(task))
            let bytes = try await file.chunk(of: 0..<file.bytes)
            #expect(Int64(bytes.readableBytes) == file.bytes)
        }
    }

    @Test("A video that is used between the decision and the removal stays, and its task takes it back")
    func usedMeanwhile() async throws {
        try await RetentionWorld.with { retention in
            let world = retention.world
            let task = try await retention.make("a")
            let told = Mutex<Bool?>(nil)
            let results = InterruptedResultStore(
                base: world.results,
                beforeRemove: { [clock = retention.clock] video throws(ResultStoreError) in
                    let known = try? await world.store.videos([video.name.hex])[video.name.hex]
                    told.withLock { $0 = known?.expiredAt != nil }
                    clock.advance(by: .seconds(600))
                    _ = try await world.results.video(video.name)
                }
            )
            try await retention.tidying(Self.evicting(bytes: 0), results: results)
            // The task had said so before its file could go.
            #expect(told.withLock { $0 } == true)
            #expect(try await retention.isExpired(task) == false)
            #expect(try await world.scheduler.video(try task.video) != nil)
            #expect(try await world.submit("a").disposition == .cached)
        }
    }

    @Test("A file that cannot be removed is swept away later; its task says all the time that it is gone")
    func removalFails() async throws {
        try await RetentionWorld.with { retention in
            let task = try await retention.make("a")
            let results = InterruptedResultStore(
                base: retention.world.results,
                beforeRemove: { _ throws(ResultStoreError) in throw .unavailable("played") }
            )
            try await retention.tidying(Self.evicting(bytes: 0), results: results)
            #expect(try await retention.isExpired(task))
            #expect(try await retention.world.results.usage(oldest: 10).videos == 1)
            retention.clock.advance(by: .seconds(3601))
            try await retention.tidying(Self.idle)
            #expect(try await retention.world.results.usage(oldest: 10).videos == 0)
        }
    }

    @Test("A video that no generation knows goes after an hour, those that are known stay")
    func strays() async throws {
        try await RetentionWorld.with { retention in
            let results = retention.world.results
            let task = try await retention.make("a")
            let staged = results.stagingPath(for: "stray")
            try Data("stray".utf8).write(to: URL(filePath: staged))
            let stray = try await results.adopt(staged, sidecar: Data("{}".utf8))
            try await retention.tidying(Self.idle) { pass async throws in
                retention.clock.advance(by: .seconds(3500))
                await pass()
                #expect(try await results.contains(stray.name, bytes: stray.bytes))
                retention.clock.advance(by: .seconds(200))
                await pass()
                #expect(try await !results.contains(stray.name, bytes: stray.bytes))
            }
            #expect(try await retention.isExpired(task) == false)
            #expect(try await results.usage(oldest: 10).videos == 1)
        }
    }

    @Test("Damage is found in time, a bounded part at a time, and never served")
    func scrub() async throws {
        try await RetentionWorld.with { retention in
            let world = retention.world
            var tasks: [GenerationTask] = []
            for prompt in ["a", "b", "c"] { tasks.append(try await retention.make(prompt)) }
            var settings = Self.idle
            settings.scrubBytes = 1
            settings.scrubPeriod = .seconds(3600)
            try await retention.tidying(settings) { pass async throws in
                // The first round: one video a pass, the last of them empty.
                for _ in 0..<3 { await pass() }
                for task in tasks {
                    let path = world.path(of: try task.video)
                    var data = try Data(contentsOf: URL(filePath: path))
                    data[data.count - 1] ^= 1
                    try data.write(to: URL(filePath: path))
                }
                await pass()
                for task in tasks { #expect(try await retention.isExpired(task) == false) }
                retention.clock.advance(by: .seconds(3600))
                for found in 1...3 {
                    await pass()
                    var expired = 0
                    for task in tasks where try await retention.isExpired(task) { expired += 1 }
                    #expect(expired == found)
                }
            }
            await #expect(throws: AdmissionError.videoExpired) { try await world.scheduler.video(try tasks[0].video) }
            #expect(try await world.submit("a").disposition == .queued)
        }
    }

    @Test("What has been over for long enough goes, a bounded number of rows a pass")
    func purge() async throws {
        try await RetentionWorld.with { retention in
            var tasks: [GenerationTask] = []
            for prompt in ["a", "b", "c", "d", "e"] { tasks.append(try await retention.make(prompt)) }
            var settings = Self.idle
            settings.retention.tasks = .seconds(3600)
            settings.purgeBatch = 1
            settings.purgeBatches = 2
            func left() async throws -> Int {
                try await retention.world.scheduler.tasks(matching: TaskQuery(tenant: .standard, limit: 10)).tasks.count
            }
            try await retention.tidying(settings) { pass async throws in
                #expect(try await left() == 5)
                retention.clock.advance(by: .seconds(7200))
                await pass()
                #expect(try await left() == 3)
                await pass()
                await pass()
                #expect(try await left() == 0)
            }
        }
    }

    @Test("A store that does not answer costs a pass, not the service")
    func unavailable() async throws {
        try await RetentionWorld.with { retention in
            let task = try await retention.make("a")
            let isDown = Mutex(true)
            let results = InterruptedResultStore(
                base: retention.world.results,
                beforeUsage: { () throws(ResultStoreError) in
                    if isDown.withLock({ $0 }) { throw .unavailable("played") }
                }
            )
            try await retention.tidying(Self.evicting(bytes: 0), results: results) { pass async throws in
                #expect(try await retention.isExpired(task) == false)
                isDown.withLock { $0 = false }
                await pass()
                #expect(try await retention.isExpired(task))
            }
        }
    }
}
