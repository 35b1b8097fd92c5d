import Engine
import Logging
import Results
import ServiceLifecycle
import Tasks
import Tracing

/// Runs claimed generations in one pass on one engine and records how each of them ended.
struct AttemptRunner: Sendable {
    /// How the work on one generation ended.
    enum End: Sendable {
        case made(EngineVideo)
        case failed(EngineError)
        /// No task wants it any more, or another worker has it.
        case stop
    }

    /// Of the tasks that wait for one generation, in each line of the log.
    private static let namedTasks = 8

    let store: any TaskStore
    let results: any ResultStore
    let workspace: Workspace
    let media: FileMediaStore
    let settings: SchedulingSettings
    let clock: any ServiceClock
    let board: EngineBoard
    let fleet: Fleet
    let deployment: Deployment
    let book: CostBook
    let wake: WakeSignal
    let running: RunningGenerations
    let metrics: SchedulingMetrics
    let tracer: any Tracer
    let logger: Logger

    /// Runs generations that share a pass; returns when each has ended and that is recorded.
    ///
    /// Their engine is taken already (`Fleet.begin`); it is given back as soon as its device is free.
    ///
    /// - Parameters:
    ///   - claims: at least one.
    ///   - assignment: where, and how.
    ///   - idle: the seconds for which the device had nothing to do before.
    func run(_ claims: [ClaimedGeneration], as assignment: Assignment, afterIdle idle: Double?) async {
        let engine = fleet.engines[assignment.engine]
        var logger = logger
        if let idle { logger[metadataKey: "idle_seconds"] = "\((idle * 10_000).rounded() / 10_000)" }
        logger.debug("Pass begins", metadata: ["device": "\(engine.device)", "generations": "\(claims.count)"])
        guard let description = engine.state.description else {
            // It went down after it was chosen: nothing was tried, and nothing is wrong with the request.
            for claimed in claims { await putBack(claimed) }
            giveBack(assignment, claims)
            return
        }
        var attempts: [Attempt] = []
        for claimed in claims {
            if let attempt = Attempt(
                claimed,
                assignment,
                on: engine.device,
                description: description,
                of: fleet.kind(of: engine.device),
                costs: book.models.costs,
                rows: claims.count,
                settings: settings,
                clock: clock,
                tracer: tracer
            ) {
                attempts.append(attempt)
            } else {
                await failWithoutModel(claimed)
            }
        }
        let courses = Dictionary(
            attempts.map { ($0.id, Course(started: $0.started.inSeconds)) },
            uniquingKeysWith: { first, _ in first }
        )
        await withTaskGroup(of: Void.self) { group in
            for attempt in attempts {
                guard let course = courses[attempt.id] else { continue }
                group.addTask { await follow(attempt, course, on: engine) }
            }
            if !attempts.isEmpty { await compute(attempts, courses, on: engine, assignment) }
            giveBack(assignment, claims)
        }
    }

    /// The call of the engine.
    private func compute(
        _ attempts: [Attempt],
        _ courses: [String: Course],
        on engine: any VideoEngine,
        _ assignment: Assignment
    ) async {
        let claims = attempts.map(\.claimed)
        await engine.generate(
            attempts.map(command),
            report: { id, report in
                switch report {
                case .released: giveBack(assignment, claims)
                case .resumed: metrics.resumed()
                case .progress, .checkpointed, .preview: break
                }
                if courses[id]?.take(report, at: clock.monotonicTime().inSeconds) == true { engine.cancel(id: id) }
            },
            ended: { id, outcome in courses[id]?.end(outcome, at: clock.monotonicTime().inSeconds) }
        )
    }

    /// The device is free for the next pass.
    private func giveBack(_ assignment: Assignment, _ claims: [ClaimedGeneration]) {
        guard let first = claims.first?.generation.id else { return }
        fleet.release(assignment.engine, of: first, at: clock.monotonicTime().inSeconds)
        wake.signal()
    }

    private func command(_ attempt: Attempt) -> GenerateCommand {
        let generation = attempt.claimed.generation
        return GenerateCommand(
            attempt,
            metadata: settings.embedsMetadata
                ? VideoMetadata(generation, madeBy: attempt.model, software: settings.software) : nil,
            output: results.stagingPath(for: attempt.id),
            inputs: generation.request.inputs.mapValues { media.path(of: $0.hex) },
            checkpoint: settings.checkpointSteps > 0
                ? (workspace.checkpoint(of: generation.id), settings.checkpointSteps) : nil,
            preview: settings.previewSteps > 0 ? (workspace.preview(of: generation.id), settings.previewSteps) : nil,
            trace: attempt.trace.context
        )
    }

    /// Watches over one attempt from its start until its end is recorded.
    private func follow(_ attempt: Attempt, _ course: Course, on engine: any VideoEngine) async {
        let generation = attempt.claimed.generation
        var logger = logger(of: attempt.claimed)
        logger[metadataKey: "device"] = "\(engine.device)"
        logger.info("Generation starts", metadata: ["memory_mode": "\(attempt.mode.rawValue)"])
        let orders = running.add(generation, course, attempt.estimate, at: attempt.started)
        let end = await guide(attempt, course, on: engine, orders: orders, logger: logger)
        // Before the outcome is known to others: whoever waits for this place may take it.
        running.remove(generation.id)
        attempt.trace.note(end, course.stages(now: clock.monotonicTime().inSeconds))
        await conclude(end, attempt, on: engine, logger: logger)
        attempt.trace.end(at: clock.monotonicTime())
        wake.signal()
        await tidyUp(after: generation.id, logger: logger)
    }

    /// Says in each line what it is about: whoever looks for a task finds what was done for it.
    func logger(of claimed: ClaimedGeneration) -> Logger {
        var logger = logger
        logger[metadataKey: "generation"] = "\(claimed.generation.id)"
        logger[metadataKey: "attempt"] = "\(claimed.generation.attempts)"
        logger[metadataKey: "task_ids"] = .array(claimed.tasks.prefix(Self.namedTasks).map { "\($0.id)" })
        if let trace = claimed.generation.trace { logger[metadataKey: "trace_id"] = "\(trace.traceID)" }
        return logger
    }

    /// Waits for the end of an attempt while its lease is renewed.
    ///
    /// Has it stopped where nobody wants it any more or the lease is lost, and has it give up with a checkpoint where
    /// something more urgent waits or the server shuts down.
    private func guide(
        _ attempt: Attempt,
        _ course: Course,
        on engine: any VideoEngine,
        orders: AsyncStream<RunningGenerations.Order>,
        logger: Logger
    ) async -> End {
        await withTaskGroup(of: End?.self) { group in
            group.addTask {
                switch await course.outcome() {
                case .success(let video): .made(video)
                case .failure(let error): .failed(error)
                }
            }
            group.addTask {
                for await order in orders {
                    switch order {
                    case .stop: return .stop
                    case .makeWay: engine.yield(id: attempt.id)
                    }
                }
                return nil
            }
            group.addTask { await renew(attempt.claimed.lease, course, logger: logger) }
            group.addTask {
                await drained { engine.yield(id: attempt.id) }
                return nil
            }
            var isStopped = false
            for await part in group {
                switch part {
                case .made, .failed:
                    group.cancelAll()
                    // A video that was complete before the stop took effect is kept: the work is done.
                    if case .made? = part { return part ?? .stop }
                    return isStopped ? .stop : part ?? .stop
                case .stop:
                    isStopped = true
                    course.wantStop()
                    engine.cancel(id: attempt.id)
                case nil: continue
                }
            }
            return .stop
        }
    }

    /// Renews until the lease is lost or the work is over.
    private func renew(_ lease: Lease, _ course: Course, logger: Logger) async -> End? {
        var lease = lease
        var written: GenerationProgress?
        var renewed = clock.monotonicTime()
        while true {
            do {
                try await clock.sleep(for: settings.progressInterval)
            } catch {
                return nil
            }
            let latest = course.standing.progress
            let isDue = clock.monotonicTime() - renewed >= settings.leaseDuration / 3
            guard isDue || latest != written else { continue }
            // The store counts from some moment after this one.
            let asked = clock.monotonicTime()
            do throws(TaskStoreError) {
                lease = try await store.renew(lease, for: settings.leaseDuration, progress: latest)
                written = latest
                renewed = asked
            } catch .leaseLost {
                return .stop
            } catch {
                logger.error("A lease could not be renewed", metadata: ["code": "\(error.code)"])
                // Past the deadline another worker may have it: then this one must not go on.
                if clock.monotonicTime() - renewed >= settings.leaseDuration { return .stop }
            }
        }
    }

    /// Waits for the shutdown and then for the drain time, and does something then.
    private func drained(_ act: () -> Void) async {
        do {
            try await gracefulShutdown()
            try await clock.sleep(for: settings.drainTimeout)
            act()
        } catch {
            // The work was over before.
        }
    }

    /// Removes what the generation leaves in the workspace, if it has ended.
    private func tidyUp(after id: GenerationID, logger: Logger) async {
        do {
            guard try await store.unfinished([id]).isEmpty else { return }
            try await workspace.remove(id)
        } catch {
            // The sweep finds it.
            logger.warning("What a generation leaves could not be removed", metadata: ["error": "\(error)"])
        }
    }

    /// Ends a generation whose model is not there.
    func failWithoutModel(_ claimed: ClaimedGeneration) async {
        let failure = TaskFailure(
            code: "model_unavailable",
            message: "The model \(claimed.generation.model) is not served any more; ask for another one."
        )
        await fail(claimed, failure, logger: logger(of: claimed))
    }
}
