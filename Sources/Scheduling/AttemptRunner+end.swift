import Engine
import Logging
import Results
import Tasks

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
    /// - Returns: what the dispatch loop wants to know.
    func conclude(_ end: End, _ attempt: Attempt, on engine: any VideoEngine, logger: Logger) async -> Outcome {
        switch end {
        case .stop:
            logger.info("Generation stopped: no task wants it any more, or another worker has it")
        case .made(let video):
            board.note(loadFailure: nil, on: engine.device)
            await keep(video, attempt, on: engine, logger: logger)
        case .failed(.yielded):
            logger.info("Generation goes back to the queue with a checkpoint")
            await requeue(attempt.claimed, Requeue(delay: .zero, countsAsFailure: false, failure: nil), logger: logger)
            wake.signal()
        case .failed(.outOfMemory(let fault)):
            await descend(after: fault, attempt, logger: logger)
        case .failed(let error):
            return await handle(error, attempt.claimed, on: engine, logger: logger)
        }
        return .done
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
        do throws(ResultStoreError) {
            let stored = try await results.adopt(video.file, sidecar: sidecar)
            let key = GenerationKey(
                model.key(of: generation.request, scope: generation.key.scope),
                scope: generation.key.scope
            )
            let outcome = GenerationOutcome.succeeded(
                GenerationResult(video, stored: stored),
                model: model.name,
                // The checkpoint may have been replaced while the generation waited; and who did not meet with a lack
                // of memory is to get the whole video.
                answersKey: key == generation.key && generation.plan.shape == nil
            )
            await record(logger) { () throws(TaskStoreError) in
                try await store.finish(attempt.claimed.lease, with: outcome)
            }
            logger.info("Generation succeeded", metadata: ["video": "\(stored.name)"])
        } catch {
            logger.error("The video could not be stored", metadata: ["error": "\(error)"])
            await fail(attempt.claimed, TaskFailure(code: error.code, message: Self.message(of: error)), logger: logger)
        }
    }

    /// After a lack of memory: the same again in a lower mode, or something smaller, or the end.
    private func descend(after fault: EngineMemoryFault, _ attempt: Attempt, logger: Logger) async {
        let next = attempt.policy.next(after: attempt.mode, attempt.shape, for: attempt.claimed.generation.request)
        var plan = attempt.claimed.generation.plan
        switch next {
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
        let failure = TaskFailure(code: "out_of_memory", message: fault.message)
        let requeue = Requeue(delay: .zero, countsAsFailure: false, failure: failure, plan: plan)
        await self.requeue(attempt.claimed, requeue, logger: logger)
        wake.signal()
    }

    private func handle(
        _ error: EngineError,
        _ claimed: ClaimedGeneration,
        on engine: any VideoEngine,
        logger: Logger
    ) async -> Outcome {
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
                return .cannotLoad
            }
        }
        return .done
    }

    /// Ends a generation without a video.
    func fail(_ claimed: ClaimedGeneration, _ failure: TaskFailure, logger: Logger) async {
        logger.error("Generation failed", metadata: ["code": "\(failure.code)"])
        await record(logger) { () throws(TaskStoreError) in
            try await store.finish(claimed.lease, with: .failed(failure))
        }
    }

    private func requeue(_ claimed: ClaimedGeneration, _ requeue: Requeue, logger: Logger) async {
        await record(logger) { () throws(TaskStoreError) in try await store.requeue(claimed.lease, requeue) }
    }

    /// Writes an outcome, again while the store does not answer.
    ///
    /// What cannot be written is left to the reaper.
    private func record(_ logger: Logger, _ write: () async throws(TaskStoreError) -> Void) async {
        for attempt in 1...Self.recordAttempts {
            do throws(TaskStoreError) {
                try await write()
                return
            } catch .leaseLost {
                logger.warning("The outcome is not wanted any more")
                return
            } catch {
                logger.error("An outcome could not be written", metadata: ["code": "\(error.code)"])
                // A cancelled sleep only makes the next try come sooner.
                if attempt < Self.recordAttempts { try? await clock.sleep(for: .seconds(1)) }
            }
        }
    }

    private static func message(of error: ResultStoreError) -> String {
        switch error {
        case .full: "The server's disk is full; the operator must make room."
        case .damaged(let name): "The video \(name) was damaged while it was stored."
        case .unavailable: "The video could not be stored; the server's log has the reason."
        }
    }
}
