import Engine
import Logging
import Results
import Tasks
import Telemetry
import Tracing

/// What becomes of a generation once the engine is done with it.
extension AttemptRunner {
    /// Tries to write an outcome while the store does not answer.
    private static let recordAttempts = 5

    /// Records how the work ended.
    ///
    /// - Parameters:
    ///   - end: of the work.
    ///   - attempt: what it was made with.
    ///   - engine: where.
    ///   - logger: of this attempt.
    func conclude(_ end: End, _ attempt: Attempt, on engine: any VideoEngine, logger: Logger) async {
        switch end {
        case .stop:
            logger.info("Generation stopped: no task wants it any more, or another worker has it")
        case .made(let video):
            board.note(loadFailure: nil, on: engine.device)
            fleet.noteSuccess(of: attempt.engine)
            learn(from: video, attempt, on: engine)
            await keep(video, attempt, on: engine, logger: logger)
        case .failed(.yielded):
            logger.info("Generation goes back to the queue with a checkpoint")
            let requeue = Requeue(delay: .zero, countsAsFailure: false, failure: nil)
            await self.requeue(attempt.claimed, requeue, logger: logger)
            wake.signal()
        case .failed(.outOfMemory(let fault)):
            await descend(after: fault, attempt, logger: logger)
        case .failed(let error):
            await handle(error, attempt, on: engine, logger: logger)
        }
    }

    /// Takes over what an attempt took in time and memory.
    private func learn(from video: EngineVideo, _ attempt: Attempt, on engine: any VideoEngine) {
        let facts = ModelFacts(attempt.model, wanted: settings.memoryMode)
        let kind = fleet.kind(of: engine.device)
        let mode = MemoryMode(video.memoryMode)
        let observation = CostObservation(video, attempt.work, facts, mode: mode, on: kind, rows: attempt.rows)
        book.learn(Lesson(observation, peakBytes: video.peakBytes))
    }

    private func keep(_ video: EngineVideo, _ attempt: Attempt, on engine: any VideoEngine, logger: Logger) async {
        let generation = attempt.claimed.generation
        let model = attempt.model
        let sidecar = Sidecar.bytes(
            of: generation,
            video,
            madeBy: model,
            on: engine.device,
            total: clock.monotonicTime() - attempt.started,
            at: clock.wallTime()
        )
        let keeping = attempt.trace.begin("store", at: clock.monotonicTime())
        defer { keeping.end(at: attempt.trace.moment(clock.monotonicTime())) }
        do throws(ResultStoreError) {
            let stored = try await results.adopt(video.file, sidecar: sidecar)
            keeping.end(at: attempt.trace.moment(clock.monotonicTime()))
            let outcome = GenerationOutcome.succeeded(
                GenerationResult(
                    video,
                    stored: stored,
                    made: generation.request.reduced(by: generation.plan),
                    for: generation.request
                ),
                model: model.name,
                answers: answered(by: generation, madeBy: model)
            )
            let isRecorded = await record(logger) { () throws(TaskStoreError) in
                try await store.finish(attempt.claimed.lease, with: outcome)
            }
            if isRecorded { count(video, attempt, outcome) }
            logger.info("Generation succeeded", metadata: ["video": "\(stored.name)"])
        } catch {
            keeping.fail(error.code)
            attempt.trace.fail(error.code)
            logger.error("The video could not be stored", metadata: ["error": "\(error)"])
            await fail(attempt.claimed, TaskFailure(code: error.code, message: Self.message(of: error)), logger: logger)
        }
    }

    /// Counts a video that is kept, and what it took.
    private func count(_ video: EngineVideo, _ attempt: Attempt, _ outcome: GenerationOutcome) {
        metrics.made(
            with: attempt.model.name,
            in: clock.monotonicTime() - attempt.started,
            stages: video.seconds.map { ($0.key.rawValue, $0.value) },
            steps: attempt.work.steps - video.resumedStep
        )
        guard case .succeeded(let result, _, _) = outcome else { return }
        var generation = attempt.claimed.generation
        generation.result = result
        metrics.succeeded(generation, at: clock.wallTime())
    }

    /// The key of what was really made; `nil` if the checkpoint was replaced while the generation waited.
    private func answered(by generation: Generation, madeBy model: ModelDescription) -> GenerationKey? {
        let scope = generation.key.scope
        func key(_ request: VideoRequest) -> GenerationKey {
            GenerationKey(model.key(of: request, scope: scope), scope: scope)
        }
        guard key(generation.request) == generation.key else { return nil }
        return key(generation.request.reduced(by: generation.plan))
    }

    /// After a lack of memory: the same again in a lower mode, or something smaller, or the end.
    private func descend(after fault: EngineMemoryFault, _ attempt: Attempt, logger: Logger) async {
        let facts = ModelFacts(attempt.model, wanted: settings.memoryMode)
        metrics.outOfMemory(in: fault.stage?.rawValue)
        book.learn(
            Lesson(
                work: attempt.work,
                model: facts,
                mode: attempt.mode,
                kind: fleet.kind(of: fleet.engines[attempt.engine].device),
                rows: attempt.rows,
                lackingBytes: attempt.capacity
            )
        )
        // Of several, each is tried in the same mode alone first: one that has a plan shares no pass.
        let next =
            attempt.rows > 1
            ? .mode(attempt.mode)
            : attempt.policy.next(after: attempt.mode, attempt.shape, for: attempt.claimed.generation.request)
        var plan = attempt.claimed.generation.plan
        let failure = TaskFailure(code: "out_of_memory", message: fault.message)
        switch next {
        case .giveUp where deployment.hasDevice(largerThan: attempt.capacity, for: attempt.model.name):
            // Nothing was wrong with the request: another device has the room.
            logger.warning("Generation is tried again on a larger device")
            let requeue = Requeue(
                delay: .zero,
                countsAsFailure: false,
                failure: failure,
                plan: AttemptPlan(),
                memoryBytes: attempt.capacity + 1
            )
            await self.requeue(attempt.claimed, requeue, logger: logger)
            wake.signal()
            return
        case .giveUp(let advice):
            await fail(attempt.claimed, TaskFailure(code: "out_of_memory", message: advice), logger: logger)
            return
        case .mode(let mode): plan.memoryMode = mode
        case .shape(let shape):
            plan.memoryMode = attempt.mode
            plan.shape = shape
        }
        logger.warning(
            "Generation is tried again with less memory",
            metadata: ["stage": "\(fault.stage?.rawValue ?? "unknown")", "next": "\(next)"]
        )
        let requeue = Requeue(delay: .zero, countsAsFailure: false, failure: failure, plan: plan)
        await self.requeue(attempt.claimed, requeue, logger: logger)
        wake.signal()
    }

    private func handle(
        _ error: EngineError,
        _ attempt: Attempt,
        on engine: any VideoEngine,
        logger: Logger
    ) async {
        let claimed = attempt.claimed
        let failure = TaskFailure(code: error.code, message: error.message)
        switch error.advice {
        case .giveUp:
            await fail(claimed, failure, logger: logger)
        case .retry:
            let failures = claimed.generation.failures + 1
            switch settings.retries.decision(afterFailures: failures, random: .random(in: 0...1)) {
            case .giveUp: await fail(claimed, failure, logger: logger)
            case .retry(let delay):
                logger.warning("Generation is tried again", metadata: ["code": "\(error.code)", "delay": "\(delay)"])
                await requeue(
                    claimed,
                    Requeue(delay: delay, countsAsFailure: true, failure: failure),
                    logger: logger
                )
            }
        case .retryUncounted:
            if case .loadFailed = error {
                // Before the generation can be claimed again.
                fleet.noteLoadFailure(of: attempt.engine, at: clock.monotonicTime().inSeconds)
            }
            logger.warning("Generation waits for a working engine", metadata: ["code": "\(error.code)"])
            await requeue(
                claimed,
                Requeue(delay: .zero, countsAsFailure: false, failure: failure),
                logger: logger
            )
            if case .loadFailed = error {
                board.note(
                    loadFailure: Obstacle(code: error.code, message: error.message),
                    on: engine.device
                )
            }
        }
    }

    /// Ends a generation without a video.
    func fail(_ claimed: ClaimedGeneration, _ failure: TaskFailure, logger: Logger) async {
        logger.error("Generation failed", metadata: ["code": "\(failure.code)"])
        let isRecorded = await record(logger) { () throws(TaskStoreError) in
            try await store.finish(claimed.lease, with: .failed(failure))
        }
        if isRecorded { metrics.failed(claimed.generation.id, failure.code) }
    }

    /// Lets a generation wait again whose engine went down before anything was tried.
    func putBack(_ claimed: ClaimedGeneration) async {
        let failure = TaskFailure(code: "engine_starting", message: "The engine went down before it began.")
        let logger = self.logger(of: claimed)
        logger.warning("Generation waits for a working engine", metadata: ["code": "\(failure.code)"])
        await requeue(claimed, Requeue(delay: .zero, countsAsFailure: false, failure: failure), logger: logger)
    }

    private func requeue(_ claimed: ClaimedGeneration, _ requeue: Requeue, logger: Logger) async {
        let isRecorded = await record(logger) { () throws(TaskStoreError) in
            try await store.requeue(claimed.lease, requeue)
        }
        // Without a failure it has made way.
        if isRecorded { metrics.requeued(requeue.failure?.code ?? EngineError.yielded.code) }
    }

    /// Writes an outcome, again while the store does not answer.
    ///
    /// What cannot be written is left to the reaper.
    ///
    /// - Returns: whether it is written.
    private func record(_ logger: Logger, _ write: () async throws(TaskStoreError) -> Void) async -> Bool {
        for attempt in 1...Self.recordAttempts {
            do throws(TaskStoreError) {
                try await write()
                return true
            } catch .leaseLost {
                logger.warning("The outcome is not wanted any more")
                return false
            } catch {
                logger.error("An outcome could not be written", metadata: ["code": "\(error.code)"])
                // A cancelled sleep only makes the next try come sooner.
                if attempt < Self.recordAttempts { try? await clock.sleep(for: .seconds(1)) }
            }
        }
        return false
    }

    private static func message(of error: ResultStoreError) -> String {
        switch error {
        case .full: "The server's disk is full; the operator must make room."
        case .damaged(let name): "The video \(name) was damaged while it was stored."
        case .unavailable: "The video could not be stored; the server's log has the reason."
        }
    }
}
