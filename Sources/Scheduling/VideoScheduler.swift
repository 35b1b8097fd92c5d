package import Engine
package import Logging
package import Results
package import Tasks

/// Admission, and the room's front: what comes in is judged, stored and made known to the dispatcher here.
package final class VideoScheduler: VideoService {
    private let store: any TaskStore
    private let results: any ResultStore
    private let settings: SchedulingSettings
    private let ids: TaskIDSource
    private let keys = ResultKeys()
    private let logger: Logger
    private let board: EngineBoard
    private let wake = WakeSignal()
    private let running = RunningGenerations()

    /// Claims, runs and finishes; run it in the service group.
    package let dispatcher: Dispatcher
    /// Takes back what lost its worker; run it in the service group.
    package let reaper: Reaper

    package init(
        store: any TaskStore,
        results: any ResultStore,
        engines: [any VideoEngine],
        settings: SchedulingSettings = SchedulingSettings(),
        clock: any ServiceClock,
        logger: Logger
    ) {
        self.store = store
        self.results = results
        self.settings = settings
        self.logger = logger
        ids = TaskIDSource(clock: clock)
        board = EngineBoard(engines: engines)
        let attempts = AttemptRunner(
            store: store,
            results: results,
            settings: settings,
            clock: clock,
            board: board,
            running: running,
            logger: logger
        )
        dispatcher = Dispatcher(
            store: store,
            engines: engines,
            settings: settings,
            clock: clock,
            board: board,
            wake: wake,
            attempts: attempts,
            logger: logger
        )
        reaper = Reaper(store: store, settings: settings, clock: clock, wake: wake, logger: logger)
    }

    package func model() throws(AdmissionError) -> ModelDescription {
        if let model = board.model { return model }
        let obstacle = board.obstacles().first
        throw .modelUnknown(
            obstacle ?? Obstacle(code: "engine_starting", message: "The engine has not described its model yet.")
        )
    }

    package func submit(_ request: AdmissionRequest) async throws(AdmissionError) -> Submission {
        let model = try model()
        let key = keys.key(of: request.video, madeBy: model)
        let task = NewTask(
            id: ids.next(),
            tenant: request.tenant,
            key: GenerationKey(rawValue: key.hex),
            request: request.video,
            seed: request.video.seed ?? key.derivedSeed,
            model: model.name,
            idempotency: request.idempotencyKey.map { NewTask.Idempotency(key: $0, fingerprint: key.hex) }
        )
        do throws(TaskStoreError) {
            var submission = try await store.submit(task, queueLimit: settings.queueLimit)
            if submission.disposition == .cached, !isThere(submission.task) {
                logger.warning("A cached video is gone and is made anew", metadata: ["task_id": "\(task.id)"])
                submission = try await store.remake(task.id, of: task.tenant)
            }
            if submission.disposition == .queued { wake.signal() }
            return submission
        } catch {
            throw .store(error)
        }
    }

    /// Whether the video of a succeeded task is in the result store.
    private func isThere(_ task: GenerationTask) -> Bool {
        guard let result = task.generation.result, let name = VideoName(result.video) else { return false }
        return results.contains(name, bytes: result.bytes)
    }

    package func task(_ id: TaskID, of tenant: TenantID) async throws(AdmissionError) -> GenerationTask? {
        do {
            return try await store.task(id, of: tenant)
        } catch {
            throw .store(error)
        }
    }

    package func tasks(matching query: TaskQuery) async throws(AdmissionError) -> TaskPage {
        do {
            return try await store.tasks(matching: query)
        } catch {
            throw .store(error)
        }
    }

    package func cancel(_ id: TaskID, of tenant: TenantID) async throws(AdmissionError) -> CancelOutcome {
        do {
            let outcome = try await store.cancel(id, of: tenant)
            if case .cancelled(_, let abandoned?) = outcome { running.stop(abandoned) }
            return outcome
        } catch {
            throw .store(error)
        }
    }

    package func video(_ name: VideoName) async throws(AdmissionError) -> StoredVideo? {
        do {
            return try await results.video(name)
        } catch {
            throw .results(error)
        }
    }

    package func obstacles() -> [Obstacle] {
        board.obstacles()
    }
}
