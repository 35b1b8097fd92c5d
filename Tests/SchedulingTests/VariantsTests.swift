import Engine
import Foundation
import Results
import Scheduling
import Synchronization
import Tasks
import TestSupport
import Testing

@Suite("Scheduling: what is made from videos")
struct VariantsTests {
    private static let nobody = VideoName(String(repeating: "0", count: 64))

    @Test("It is made once, kept, and answered from then on", arguments: VideoVariant.allCases)
    func once(variant: VideoVariant) async throws {
        let deriver = ScriptedVideoDeriver()
        try await SchedulerWorld.with([ScriptedEngine()], deriver: deriver) { world in
            let name = try await world.video(of: "a cat")
            let video = try #require(try await world.scheduler.video(name))
            for _ in 0..<3 {
                let made = try #require(try await world.scheduler.variant(variant, of: name))
                #expect(made.bytes == Int64("\(variant.rawValue) of \(video.bytes) bytes".utf8.count))
            }
            #expect(deriver.calls == [variant.rawValue])
        }
    }

    @Test("However many ask at once, it is made by one")
    func singleFlight() async throws {
        let deriver = ScriptedVideoDeriver { _ in
            try? await Task.sleep(for: .milliseconds(50))
            return nil
        }
        try await SchedulerWorld.with([ScriptedEngine()], deriver: deriver) { world in
            let name = try await world.video(of: "a cat")
            let sizes = try await withThrowingTaskGroup(of: Int64?.self) { group in
                for index in 0..<100 {
                    let variant = index.isMultiple(of: 2) ? VideoVariant.posterJPEG : .sprites
                    group.addTask { try await world.scheduler.variant(variant, of: name)?.bytes }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(sizes.allSatisfy { ($0 ?? 0) > 0 })
            #expect(deriver.calls.sorted() == ["poster.jpg", "sprites.jpg"])
        }
    }

    @Test("If who makes it goes away, one of those who wait makes it")
    func takesOver() async throws {
        let attempts = Mutex(0)
        let deriver = ScriptedVideoDeriver { _ in
            let attempt = attempts.withLock { attempts in
                attempts += 1
                return attempts
            }
            guard attempt == 1 else { return nil }
            // Until it is cancelled.
            try? await Task.sleep(for: .seconds(60))
            return EngineFault(code: "derivation_failed", message: "cancelled")
        }
        try await SchedulerWorld.with([ScriptedEngine()], deriver: deriver) { world in
            let name = try await world.video(of: "a cat")
            try await withThrowingTaskGroup(of: Void.self) { group in
                let first = Task { try await world.scheduler.variant(.posterJPEG, of: name) }
                _ = try await eventually("the first makes it") { deriver.calls.isEmpty ? nil : true }
                for _ in 0..<3 {
                    group.addTask { _ = try #require(try await world.scheduler.variant(.posterJPEG, of: name)) }
                }
                first.cancel()
                let end = await first.result
                #expect(throws: AdmissionError.variantUnavailable(code: "derivation_failed")) { try end.get() }
                try await group.waitForAll()
            }
            #expect(deriver.calls.count == 2)
        }
    }

    @Test("A fault is told with its code, and the next request tries again")
    func faults() async throws {
        let faulty = Mutex(true)
        let deriver = ScriptedVideoDeriver { _ in
            faulty.withLock { $0 } ? EngineFault(code: "derivation_busy", message: "") : nil
        }
        try await SchedulerWorld.with([ScriptedEngine()], deriver: deriver) { world in
            let name = try await world.video(of: "a cat")
            await #expect(throws: AdmissionError.variantUnavailable(code: "derivation_busy")) {
                try await world.scheduler.variant(.previewGIF, of: name)
            }
            faulty.withLock { $0 = false }
            #expect(try await world.scheduler.variant(.previewGIF, of: name) != nil)
        }
    }

    @Test("A video that never was is nothing, one that is gone has expired, and its tasks say so")
    func absence() async throws {
        let deriver = ScriptedVideoDeriver()
        try await SchedulerWorld.with([ScriptedEngine()], deriver: deriver) { world in
            let nobody = try #require(Self.nobody)
            #expect(try await world.scheduler.video(nobody) == nil)
            #expect(try await world.scheduler.variant(.posterJPEG, of: nobody) == nil)
            let task = try await world.task(try await world.submit("a cat").task.id, reaches: .succeeded)
            let name = try #require(VideoName(task.generation.result?.video ?? ""))
            try FileManager.default.removeItem(atPath: world.path(of: name))
            await #expect(throws: AdmissionError.videoExpired) {
                try await world.scheduler.variant(.posterJPEG, of: name)
            }
            await #expect(throws: AdmissionError.videoExpired) { try await world.scheduler.video(name) }
            let told = try await world.scheduler.task(task.id, of: .standard)
            #expect(told?.status == .succeeded && told?.generation.result?.expiredAt != nil)
            #expect(deriver.calls.isEmpty)
        }
    }

    @Test("A damaged video is never served; its tasks say that it is gone, and an equal request makes it anew")
    func damage() async throws {
        let engine = ScriptedEngine()
        try await SchedulerWorld.with([engine]) { world in
            let name = try await world.video(of: "a cat")
            let path = world.path(of: name)
            var data = try Data(contentsOf: URL(filePath: path))
            data[data.count - 1] ^= 1
            try data.write(to: URL(filePath: path))
            // A store that has just been started, as far as its memory of checksums goes.
            let results = try FileResultStore(directory: world.directory, logger: world.logger)
            let scheduler = VideoScheduler(
                store: world.store,
                deliveries: world.store,
                results: results,
                engines: [],
                deriver: ScriptedVideoDeriver(),
                intake: world.intake,
                workspace: world.workspace,
                book: CostBook(file: nil, logger: world.logger),
                clock: SystemClock(),
                logger: world.logger
            )
            await #expect(throws: AdmissionError.results(.damaged(name))) { try await scheduler.video(name) }
            await #expect(throws: AdmissionError.videoExpired) { try await scheduler.video(name) }
            try await results.close()
            let again = try await world.submit("a cat")
            #expect(again.disposition == .queued)
            _ = try await world.task(again.task.id, reaches: .succeeded)
            #expect(try await world.scheduler.video(name) != nil)
        }
    }
}
