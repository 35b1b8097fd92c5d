import Engine
import Foundation
import Logging
import Results
import Scheduling
import ServiceLifecycle
import Tasks
import TasksSQLite
import TestSupport
import Testing
import Tracing

/// A scheduler that runs, with a real store, real files and scripted engines.
struct SchedulerWorld: Sendable {
    let scheduler: VideoScheduler
    let store: SQLiteTaskStore
    let results: FileResultStore
    let intake: MediaIntake
    let media: FileMediaStore
    let workspace: Workspace
    let directory: String
    let group: ServiceGroup
    let logger: Logger

    /// Runs a body beside the services, and shuts those down after it.
    ///
    /// - Parameters:
    ///   - engines: what makes the videos.
    ///   - database: where the tasks are; in memory if nothing is given.
    ///   - settings: of the scheduler.
    ///   - deriver: what makes stills of them.
    ///   - inspector: what looks into uploads.
    ///   - uploads: what these may be.
    ///   - clock: of all parts.
    ///   - tracer: makes the spans.
    ///   - logger: hears what all parts say.
    ///   - body: the test.
    /// - Throws: what the services throw.
    static func with(
        _ engines: [any VideoEngine],
        database: String? = nil,
        settings: SchedulingSettings = .quick,
        deriver: any VideoDeriver = ScriptedVideoDeriver(),
        inspector: any MediaInspector = ScriptedMediaInspector.byFirstLine,
        uploads: UploadSettings = UploadSettings(),
        clock: any ServiceClock = SystemClock(),
        tracer: any Tracer = NoOpTracer(),
        logger: Logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
        _ body: @escaping @Sendable (SchedulerWorld) async throws -> Void
    ) async throws {
        try await withTemporaryDirectory { directory in
            let store =
                if let database {
                    try await SQLiteTaskStore.open(path: database, clock: clock, logger: logger)
                } else {
                    try await SQLiteTaskStore.inMemory(clock: clock, logger: logger)
                }
            let results = try FileResultStore(directory: directory, logger: logger) {
                clock.wallTime().milliseconds
            }
            let media = try FileMediaStore(directory: directory) { clock.wallTime().milliseconds }
            let workspace = try Workspace(directory: directory)
            let intake = MediaIntake(
                uploads: store,
                files: media,
                inspector: inspector,
                fetcher: ScriptedMediaFetcher(),
                settings: uploads,
                clock: clock,
                logger: logger
            )
            let scheduler = VideoScheduler(
                store: store,
                deliveries: store,
                results: results,
                engines: engines,
                deriver: deriver,
                intake: intake,
                workspace: workspace,
                book: CostBook(file: nil, logger: logger),
                settings: settings,
                clock: clock,
                tracer: tracer,
                logger: logger
            )
            let group = ServiceGroup(
                configuration: .init(
                    services: [
                        scheduler.reaper, scheduler.keeper, scheduler.forecaster, scheduler.dispatcher,
                    ],
                    logger: logger
                )
            )
            let world = SchedulerWorld(
                scheduler: scheduler,
                store: store,
                results: results,
                intake: intake,
                media: media,
                workspace: workspace,
                directory: directory,
                group: group,
                logger: logger
            )
            try await withThrowingTaskGroup { tasks in
                tasks.addTask { try await group.run() }
                do {
                    try await body(world)
                } catch {
                    Issue.record(error)
                }
                await group.triggerGracefulShutdown()
                try await tasks.waitForAll()
            }
            try await store.close()
            try await results.close()
            try await media.close()
        }
    }

    /// Submits a small request; the prompt tells the scripted engine what to do.
    func submit(
        _ prompt: String,
        steps: Int = 4,
        seed: Int? = nil,
        tenant: TenantID = .standard,
        key: String? = nil,
        cache: CacheUse = .use,
        callback: Callback? = nil,
        priority: TaskPriority = .normal,
        isDeterministic: Bool = false,
        trace: TraceContext? = nil,
        change: (inout VideoRequest.Draft) -> Void = { _ in }
    ) async throws -> Submission {
        var draft = VideoRequest.Draft()
        draft.prompt = prompt
        draft.numInferenceSteps = steps
        draft.seed = seed
        change(&draft)
        let catalog = try await eventually("a model is known") { try? scheduler.catalog() }
        let model = try #require(catalog.models.first)
        return try await scheduler.submit(
            AdmissionRequest(
                caller: Caller(tenant: tenant),
                video: VideoRequest(draft, for: model),
                model: model.name,
                priority: priority,
                idempotencyKey: key,
                cache: cache,
                callback: callback,
                isDeterministic: isDeterministic,
                trace: trace
            )
        )
    }

    /// The name of the video that a request becomes.
    func video(of prompt: String) async throws -> VideoName {
        let task = try await task(try await submit(prompt).task.id, reaches: .succeeded)
        return try #require(VideoName(task.generation.result?.video ?? ""))
    }

    /// Where a video is, for tests that do something to its file.
    func path(of name: VideoName) -> String {
        "\(directory)/videos/\(name.hex.prefix(2))/\(name.hex).mp4"
    }

    /// The task once it has a status.
    func task(
        _ id: TaskID,
        of tenant: TenantID = .standard,
        reaches status: TaskStatus
    ) async throws -> GenerationTask {
        try await eventually("\(status)") {
            let task = try await scheduler.task(id, of: tenant)
            if let task, task.status.isTerminal, task.status != status {
                Issue.record("ended as \(task.status) with \(String(describing: task.generation.failure))")
                return task
            }
            return task?.status == status ? task : nil
        }
    }
}

extension SchedulingSettings {
    /// Short times: what is waited for in these tests is an event, not these.
    static let quick = SchedulingSettings(
        leaseDuration: .seconds(10),
        progressInterval: .milliseconds(5),
        reapInterval: .milliseconds(50),
        drainTimeout: .zero,
        retries: RetryPolicy(maxFailures: 3, baseDelay: .milliseconds(1), maxDelay: .milliseconds(4))
    )
}

struct NotInTime: Error {
    var what: String
}

/// What `look` finds, once it finds something; fails after half a minute, as a loaded machine is slow, not wrong.
func eventually<Value>(_ what: String, _ look: () async throws -> Value?) async throws -> Value {
    let deadline = ContinuousClock.now + .seconds(30)
    while ContinuousClock.now < deadline {
        if let found = try await look() { return found }
        try await Task.sleep(for: .milliseconds(2))
    }
    throw NotInTime(what: what)
}
