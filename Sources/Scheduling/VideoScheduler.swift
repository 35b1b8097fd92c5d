package import Engine
package import Logging
package import Results
import Synchronization
package import Tasks
package import Tracing

/// Admission, and the room's front: what comes in is judged, stored and made known to the dispatcher here.
package final class VideoScheduler: VideoService {
    let store: any TaskStore
    let outbox: any DeliveryStore
    let results: any ResultStore
    let variants: Variants
    let intake: MediaIntake
    let workspace: Workspace
    let settings: SchedulingSettings
    let clock: any ServiceClock
    private let ids: TaskIDSource
    private let keys = ResultKeys()
    let logger: Logger
    let board: EngineBoard
    let fleet: Fleet
    let deployment: Deployment
    let coordination: (any Coordination)?
    private let book: CostBook
    let wake = WakeSignal()
    let running = RunningGenerations()
    /// How many devices were needed lately.
    let workers: Mutex<WorkerScaling>
    let metrics: SchedulingMetrics
    let localDevices: LocalDevices

    /// Claims, runs and finishes; run it in the service group.
    package let dispatcher: Dispatcher
    /// Takes back what lost its worker; run it in the service group.
    package let reaper: Reaper
    /// Predicts when what waits is served; run it in the service group.
    package let forecaster: Forecaster
    /// Lets idle engines rest; run it in the service group.
    package let keeper: EngineKeeper
    /// Tells other processes of this one; run it in the service group, before the dispatcher so that it ends after it.
    ///
    /// `nil` where there is no coordination.
    package let presence: Presence?

    /// - Parameters:
    ///   - store: of all tasks.
    ///   - deliveries: of all callbacks.
    ///   - results: of all videos.
    ///   - engines: of this process; none where it only takes requests.
    ///   - deriver: makes stills and previews.
    ///   - intake: takes uploads.
    ///   - workspace: what generations leave while they run.
    ///   - devices: what was last seen of this machine's devices.
    ///   - book: what is known of times and memory; without a file where there is a coordination.
    ///   - identity: who this process is among the others.
    ///   - coordination: with the other processes; `nil`: this is the only one.
    ///   - settings: of all parts.
    ///   - clock: of all parts.
    ///   - tracer: makes the spans.
    ///   - logger: of all parts.
    package init(
        store: any TaskStore,
        deliveries: any DeliveryStore,
        results: any ResultStore,
        engines: [any VideoEngine],
        deriver: any VideoDeriver,
        intake: MediaIntake,
        workspace: Workspace,
        devices: @escaping @Sendable () -> DeviceReport = { DeviceReport() },
        book: CostBook,
        identity: MemberIdentity = MemberIdentity(),
        coordination: (any Coordination)? = nil,
        settings: SchedulingSettings = SchedulingSettings(),
        clock: any ServiceClock,
        tracer: any Tracer = NoOpTracer(),
        logger: Logger
    ) {
        self.store = store
        outbox = deliveries
        self.results = results
        variants = Variants(results: results, deriver: deriver, logger: logger)
        self.intake = intake
        self.workspace = workspace
        self.settings = settings
        workers = Mutex(WorkerScaling(settings.workers))
        self.clock = clock
        self.logger = logger
        self.book = book
        ids = TaskIDSource(clock: clock)
        board = EngineBoard(engines: engines)
        fleet = Fleet(engines: engines, running: running, report: devices)
        self.coordination = coordination
        let members = coordination.map { _ in MemberBoard(own: identity.id, logger: logger) }
        deployment = Deployment(identity: identity, board: board, fleet: fleet, members: members, clock: clock)
        metrics = SchedulingMetrics(devices: fleet.devices)
        let attempts = AttemptRunner(
            store: store,
            results: results,
            workspace: workspace,
            media: intake.files,
            settings: settings,
            clock: clock,
            board: board,
            fleet: fleet,
            deployment: deployment,
            book: book,
            wake: wake,
            running: running,
            metrics: metrics,
            tracer: tracer,
            logger: logger
        )
        forecaster = Forecaster(
            store: store,
            settings: settings,
            clock: clock,
            deployment: deployment,
            book: book,
            wake: wake,
            metrics: metrics,
            logger: logger
        )
        dispatcher = Dispatcher(
            store: store,
            settings: settings,
            clock: clock,
            board: board,
            fleet: fleet,
            deployment: deployment,
            book: book,
            wake: wake,
            running: running,
            forecaster: forecaster,
            attempts: attempts,
            metrics: metrics,
            logger: logger,
            worker: identity.id
        )
        reaper = Reaper(store: store, settings: settings, clock: clock, metrics: metrics, logger: logger)
        keeper = EngineKeeper(fleet: fleet, policy: settings.scaling, forecaster: forecaster, clock: clock, wake: wake)
        let shown = LocalDevices(fleet: fleet, clock: clock)
        localDevices = shown
        if let coordination, let members {
            presence = Presence(
                coordination: coordination,
                deployment: deployment,
                members: members,
                book: book,
                wake: wake,
                logger: logger,
                devices: { shown.statuses() }
            )
        } else {
            presence = nil
        }
    }

    package func catalog() throws(AdmissionError) -> ModelCatalog {
        if let catalog = deployment.catalog { return catalog }
        let obstacle = deployment.obstacles().first
        throw .modelUnknown(
            obstacle ?? Obstacle(code: "engine_starting", message: "The engine has not described its models yet.")
        )
    }

    /// The task that a request becomes, and the device time that it is predicted to take.
    func newTask(for request: AdmissionRequest) throws(AdmissionError) -> (task: NewTask, seconds: Double) {
        guard let model = try catalog().model(named: request.model) else {
            // It was served when the request was parsed, a moment ago.
            throw .modelUnknown(Obstacle(code: "model_unavailable", message: "The model was just taken away."))
        }
        let caller = request.caller
        let scope = settings.isCachePerTenant ? caller.tenant.rawValue : nil
        let resultKey = keys.key(of: request.video, madeBy: model, scope: scope)
        let key = GenerationKey(resultKey, scope: scope)
        let appraisal = book.appraisal(
            of: request.video.work(model: model.name),
            ModelFacts(model, wanted: settings.memoryMode),
            on: deployment.reference
        )
        let task = NewTask(
            id: ids.next(),
            tenant: caller.tenant,
            key: key,
            request: request.video,
            seed: request.seed(resultKey),
            model: model.name,
            priority: request.priority.rank,
            idempotency: request.idempotencyKey.map {
                NewTask.Idempotency(key: $0, fingerprint: request.fingerprint(key))
            },
            cache: request.cache,
            callback: request.callback,
            weight: caller.weight,
            cost: appraisal.seconds,
            memoryBytes: appraisal.memoryBytes,
            isDeterministic: request.isDeterministic,
            fullKey: request.video.degradation.map { _ in
                GenerationKey(
                    keys.key(of: request.video.withoutDegradation, madeBy: model, scope: scope),
                    scope: scope
                )
            },
            runningLimit: caller.limits.runningTasks,
            accessKey: caller.key,
            remixedFrom: request.remixedFrom,
            trace: request.trace
        )
        return (task, appraisal.seconds)
    }

    package func submit(_ request: AdmissionRequest) async throws(AdmissionError) -> Submission {
        let (task, seconds) = try newTask(for: request)
        do throws(TaskStoreError) {
            var submission = try await store.submit(task, limits: try await limits(of: task, by: request.caller))
            if submission.disposition == .cached, await isGone(submission.task.generation) {
                logger.warning("A cached video is gone and is made anew", metadata: ["task_id": "\(task.id)"])
                submission = try await store.remake(task.id, of: task.tenant)
            }
            metrics.submitted(submission.disposition, request.priority)
            switch submission.disposition {
            case .queued: await forecaster.add(submission.task.generation, cost: seconds)
            case .joined, .cached, .replayed: break
            }
            return submission
        } catch .queueFull {
            throw await refusal(of: task)
        } catch {
            throw .store(error)
        }
    }

    /// Whether the video of a succeeded generation is not in the result store.
    func isGone(_ generation: Generation) async -> Bool {
        guard let result = generation.result, let name = VideoName(result.video) else { return true }
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
            return noted(try await store.cancel(id, of: tenant))
        } catch {
            throw .store(error)
        }
    }

    package func remove(_ id: TaskID, of tenant: TenantID) async throws(AdmissionError) -> CancelOutcome {
        do {
            return noted(try await store.remove(id, of: tenant))
        } catch {
            throw .store(error)
        }
    }

    /// Notes a cancel; the device is stopped by the news of it, wherever that is.
    private func noted(_ outcome: CancelOutcome) -> CancelOutcome {
        guard case .cancelled(let task, let abandoned) = outcome else { return outcome }
        var metadata: Logger.Metadata = ["task_id": "\(task.id)", "generation": "\(task.generation.id)"]
        if let trace = task.trace { metadata["trace_id"] = "\(trace.traceID)" }
        logger.info("Task cancelled", metadata: metadata)
        if let abandoned { metrics.cancelled(abandoned) }
        return outcome
    }

    package func obstacles() -> [Obstacle] {
        deployment.obstacles()
    }

    package func unreadiness() -> [Obstacle] {
        // Where workers come and go, what is accepted waits for one.
        coordination != nil && deployment.catalog != nil ? [] : deployment.obstacles()
    }
}
