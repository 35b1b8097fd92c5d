package import Engine
package import Logging
package import Results
package import Tasks

/// Admission, and the room's front: what comes in is judged, stored and made known to the dispatcher here.
package final class VideoScheduler: VideoService {
    let store: any TaskStore
    private let outbox: any DeliveryStore
    let results: any ResultStore
    let variants: Variants
    let intake: MediaIntake
    let workspace: Workspace
    private let settings: SchedulingSettings
    private let ids: TaskIDSource
    private let keys = ResultKeys()
    let logger: Logger
    let board: EngineBoard
    private let wake = WakeSignal()
    private let running = RunningGenerations()

    /// Claims, runs and finishes; run it in the service group.
    package let dispatcher: Dispatcher
    /// Takes back what lost its worker; run it in the service group.
    package let reaper: Reaper
    /// Makes room for urgent work; run it in the service group.
    package let preemptor: Preemptor

    package init(
        store: any TaskStore,
        deliveries: any DeliveryStore,
        results: any ResultStore,
        engines: [any VideoEngine],
        deriver: any VideoDeriver,
        intake: MediaIntake,
        workspace: Workspace,
        settings: SchedulingSettings = SchedulingSettings(),
        clock: any ServiceClock,
        logger: Logger
    ) {
        self.store = store
        outbox = deliveries
        self.results = results
        variants = Variants(results: results, deriver: deriver, logger: logger)
        self.intake = intake
        self.workspace = workspace
        self.settings = settings
        self.logger = logger
        ids = TaskIDSource(clock: clock)
        board = EngineBoard(engines: engines)
        let attempts = AttemptRunner(
            store: store,
            results: results,
            workspace: workspace,
            media: intake.files,
            settings: settings,
            clock: clock,
            board: board,
            wake: wake,
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
        preemptor = Preemptor(
            store: store,
            engines: engines,
            policy: settings.preemption,
            clock: clock,
            wake: wake,
            running: running,
            logger: logger
        )
    }

    package func catalog() throws(AdmissionError) -> ModelCatalog {
        if let catalog = board.catalog { return catalog }
        let obstacle = board.obstacles().first
        throw .modelUnknown(
            obstacle ?? Obstacle(code: "engine_starting", message: "The engine has not described its models yet.")
        )
    }

    package func submit(_ request: AdmissionRequest) async throws(AdmissionError) -> Submission {
        guard let model = try catalog().model(named: request.model) else {
            // It was served when the request was parsed, a moment ago.
            throw .modelUnknown(Obstacle(code: "model_unavailable", message: "The model was just taken away."))
        }
        let scope = settings.isCachePerTenant ? request.tenant.rawValue : nil
        let resultKey = keys.key(of: request.video, madeBy: model, scope: scope)
        let key = GenerationKey(resultKey, scope: scope)
        let task = NewTask(
            id: ids.next(),
            tenant: request.tenant,
            key: key,
            request: request.video,
            seed: request.seed(resultKey),
            model: model.name,
            priority: request.priority.rank,
            idempotency: request.idempotencyKey.map {
                NewTask.Idempotency(key: $0, fingerprint: request.fingerprint(key))
            },
            cache: request.cache,
            callback: request.callback
        )
        do throws(TaskStoreError) {
            var submission = try await store.submit(task, queueLimit: settings.queueLimit)
            if submission.disposition == .cached, await isGone(submission.task) {
                logger.warning("A cached video is gone and is made anew", metadata: ["task_id": "\(task.id)"])
                submission = try await store.remake(task.id, of: task.tenant)
            }
            switch submission.disposition {
            case .queued: wake.signal()
            case .joined: running.raise(submission.task.generation.id, to: task.priority)
            case .cached, .replayed: break
            }
            return submission
        } catch {
            throw .store(error)
        }
    }

    /// Whether the video of a succeeded task is not in the result store.
    private func isGone(_ task: GenerationTask) async -> Bool {
        guard let result = task.generation.result, let name = VideoName(result.video) else { return true }
        do throws(ResultStoreError) {
            return try await !results.contains(name, bytes: result.bytes)
        } catch {
            // Storage that does not answer has not lost anything.
            logger.error("A cached video could not be looked for", metadata: ["code": "\(error.code)"])
            return false
        }
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

    package func deliveries(matching query: DeliveryQuery) async throws(AdmissionError) -> DeliveryPage {
        do {
            return try await outbox.deliveries(matching: query)
        } catch {
            throw .store(error)
        }
    }

    package func redeliver(_ id: DeliveryID, of tenant: TenantID) async throws(AdmissionError) -> Delivery? {
        do {
            return try await outbox.redeliver(id, of: tenant)
        } catch {
            throw .store(error)
        }
    }

    package func obstacles() -> [Obstacle] {
        board.obstacles()
    }
}
