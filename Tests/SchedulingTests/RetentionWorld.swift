import Foundation
import Results
import Scheduling
import ServiceLifecycle
import Tasks
import TestSupport
import Testing

/// A scheduler whose time a test moves, and the services that tidy up after it, a pass at a time.
struct RetentionWorld: Sendable {
    let world: SchedulerWorld
    let clock: ManualClock

    static func with(_ body: @escaping @Sendable (RetentionWorld) async throws -> Void) async throws {
        let clock = ManualClock()
        try await SchedulerWorld.with([ScriptedEngine()], clock: clock) { world in
            try await body(RetentionWorld(world: world, clock: clock))
        }
    }

    /// Runs a service beside a body that decides when it makes its next pass.
    ///
    /// - Parameters:
    ///   - settings: of the service.
    ///   - results: what it sees of the result store; all of it if nothing is given.
    ///   - turn: whose turn it is; always the service's if nothing is given.
    ///   - body: gets a function that has one pass made and returns when it is over. The first one is over before.
    /// - Throws: what the body throws.
    func tidying(
        _ settings: RetentionSettings,
        results: (any ResultStore)? = nil,
        turn: DutyTurn? = nil,
        _ body: (_ pass: () async -> Void) async throws -> Void = { _ in }
    ) async throws {
        let passes = PassClock(time: clock)
        let service = RetentionService(
            store: world.store,
            results: results ?? world.results,
            leftovers: LeftoverSweep(
                store: world.store,
                uploads: world.store,
                files: world.media,
                workspace: world.workspace,
                clock: clock,
                logger: world.logger
            ),
            settings: settings,
            turn: turn,
            clock: passes,
            logger: world.logger
        )
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await service.run() }
            await passes.naps.waitForSleepers(1)
            try await body {
                passes.naps.advance(by: settings.interval)
                await passes.naps.waitForSleepers(1)
            }
            group.cancelAll()
            try await group.waitForAll()
        }
    }

    /// Makes a video, a minute after the last.
    func make(_ prompt: String) async throws -> GenerationTask {
        clock.advance(by: .seconds(60))
        return try await world.task(try await world.submit(prompt).task.id, reaches: .succeeded)
    }

    /// The task as it is now.
    func now(_ task: GenerationTask) async throws -> GenerationTask? {
        try await world.scheduler.task(task.id, of: .standard)
    }

    /// Whether the task says that its video is gone; a task that is gone itself does as well.
    func isExpired(_ task: GenerationTask) async throws -> Bool {
        try await now(task)?.generation.result.map { $0.expiredAt != nil } ?? true
    }
}

extension GenerationTask {
    /// The video of a task that has one.
    var video: VideoName {
        get throws { try #require(VideoName(generation.result?.video ?? "")) }
    }
}

/// The time of one clock, and sleeps that only a test ends.
private struct PassClock: ServiceClock {
    let time: ManualClock
    let naps = ManualClock()

    func wallTime() -> Timestamp { time.wallTime() }
    func monotonicTime() -> Duration { time.monotonicTime() }
    func sleep(for duration: Duration) async throws { try await naps.sleep(for: duration) }
}

/// A result store that lets a test do something in the middle of a pass, or does not answer.
struct InterruptedResultStore: ResultStore {
    let base: any ResultStore
    var beforeRemove: @Sendable (KeptVideo) async throws(ResultStoreError) -> Void = { _ in }
    var beforeUsage: @Sendable () async throws(ResultStoreError) -> Void = {}

    func stagingPath(for name: String) -> String { base.stagingPath(for: name) }

    func adopt(_ stagingPath: String, sidecar: Data) async throws(ResultStoreError) -> StoredVideo {
        try await base.adopt(stagingPath, sidecar: sidecar)
    }

    func video(_ name: VideoName) async throws(ResultStoreError) -> VideoContent? { try await base.video(name) }
    func sidecar(of name: VideoName) async throws(ResultStoreError) -> Data? { try await base.sidecar(of: name) }

    func contains(_ name: VideoName, bytes: Int64) async throws(ResultStoreError) -> Bool {
        try await base.contains(name, bytes: bytes)
    }

    func variant(_ variant: VideoVariant, of name: VideoName) async throws(ResultStoreError) -> VideoContent? {
        try await base.variant(variant, of: name)
    }

    func adopt(_ stagingPath: String, as variant: VideoVariant, of name: VideoName) async throws(ResultStoreError) {
        try await base.adopt(stagingPath, as: variant, of: name)
    }

    func withLocalFile<Value: Sendable>(
        of name: VideoName,
        _ body: @Sendable (String) async -> Value
    ) async throws(ResultStoreError) -> Value? {
        try await base.withLocalFile(of: name, body)
    }

    func usage(oldest: Int) async throws(ResultStoreError) -> ResultUsage {
        try await beforeUsage()
        return try await base.usage(oldest: oldest)
    }

    func remove(_ video: KeptVideo) async throws(ResultStoreError) -> Bool {
        try await beforeRemove(video)
        return try await base.remove(video)
    }

    func verify(_ name: VideoName) async throws(ResultStoreError) -> Bool { try await base.verify(name) }
}
