import Engine
import Logging
import Results
import ServiceLifecycle
import Synchronization
import Tasks

/// Runs one claimed generation on one engine and records how it ended.
struct AttemptRunner: Sendable {
    /// What the dispatch loop wants to know.
    enum Outcome: Sendable, Equatable {
        case done
        /// The engine is up, but the model does not load on it.
        case cannotLoad
    }

    /// How the work itself ended.
    private enum End: Sendable {
        case made(EngineVideo)
        case failed(EngineError)
        /// No task wants it any more, or another worker has it.
        case stop
        /// The server shuts down.
        case shutdown
    }

    /// Tries to write an outcome while the store does not answer.
    private static let recordAttempts = 5

    let store: any TaskStore
    let results: any ResultStore
    let settings: SchedulingSettings
    let clock: any ServiceClock
    let board: EngineBoard
    let running: RunningGenerations
    let logger: Logger

    func run(_ claimed: ClaimedGeneration, on engine: any VideoEngine) async -> Outcome {
        let id = claimed.generation.id
        var logger = logger
        logger[metadataKey: "generation"] = "\(id)"
        logger[metadataKey: "device"] = "\(engine.device)"
        logger[metadataKey: "attempt"] = "\(claimed.generation.attempts)"
        logger.info("Generation starts")
        let stops = running.add(id)
        defer { running.remove(id) }
        let started = clock.monotonicTime()
        let model = engine.state.model.flatMap(ModelDescription.init)
        let command = GenerateCommand(
            claimed,
            metadata: settings.embedsMetadata
                ? VideoMetadata(claimed.generation, madeBy: model, software: settings.software) : nil,
            output: results.stagingPath(for: GenerateCommand.id(of: claimed))
        )
        let end = await work(command, claimed.lease, on: engine, stops: stops, logger: logger)
        return await conclude(end, claimed, on: engine, since: started, logger: logger)
    }

    /// Makes the video while the lease is renewed; ends early on a stop, a lost lease or a shutdown.
    ///
    /// Returns only when the engine is free again.
    private func work(
        _ command: GenerateCommand,
        _ lease: Lease,
        on engine: any VideoEngine,
        stops: AsyncStream<Never>,
        logger: Logger
    ) async -> End {
        let progress = LatestProgress()
        return await withTaskGroup(of: End?.self) { group in
            group.addTask {
                do throws(EngineError) {
                    return .made(try await engine.generate(command) { progress.set(GenerationProgress($0)) })
                } catch {
                    return .failed(error)
                }
            }
            group.addTask {
                for await _ in stops {}
                return Task.isCancelled ? nil : .stop
            }
            group.addTask { await renew(lease, progress, logger: logger) }
            group.addTask { await drained() }
            var end: End?
            var ended: End?
            for await part in group {
                switch part {
                case .made, .failed: ended = part
                case .stop, .shutdown: end = end ?? part
                case nil: continue
                }
                group.cancelAll()
                if ended != nil { break }
            }
            // A video that was complete before the stop took effect is kept: the work is done.
            if case .made = ended { return ended ?? .stop }
            return end ?? ended ?? .stop
        }
    }

    /// Renews until the lease is lost or the work is over.
    private func renew(_ lease: Lease, _ progress: LatestProgress, logger: Logger) async -> End? {
        var lease = lease
        var written: GenerationProgress?
        var renewed = clock.monotonicTime()
        while true {
            do {
                try await clock.sleep(for: settings.progressInterval)
            } catch {
                return nil
            }
            let latest = progress.latest
            let isDue = clock.monotonicTime() - renewed >= settings.leaseDuration / 3
            guard isDue || latest != written else { continue }
            do throws(TaskStoreError) {
                lease = try await store.renew(lease, for: settings.leaseDuration, progress: latest)
                written = latest
                renewed = clock.monotonicTime()
            } catch .leaseLost {
                return .stop
            } catch {
                logger.error("A lease could not be renewed", metadata: ["code": "\(error.code)"])
                // Past the deadline another worker may have it: then this one must not go on.
                if clock.monotonicTime() - renewed >= settings.leaseDuration { return .stop }
            }
        }
    }

    /// Waits for the shutdown and then for the drain time.
    private func drained() async -> End? {
        do {
            try await gracefulShutdown()
            try await clock.sleep(for: settings.drainTimeout)
            return .shutdown
        } catch {
            return nil
        }
    }

    // MARK: The end

    private func conclude(
        _ end: End,
        _ claimed: ClaimedGeneration,
        on engine: any VideoEngine,
        since started: Duration,
        logger: Logger
    ) async -> Outcome {
        let lease = claimed.lease
        switch end {
        case .stop:
            logger.info("Generation stopped: no task wants it any more, or another worker has it")
        case .shutdown:
            logger.info("Generation goes back to the queue: the server shuts down")
            await record(logger) { () throws(TaskStoreError) in
                try await store.requeue(lease, Requeue(delay: .zero, countsAsFailure: false, failure: nil))
            }
        case .made(let video):
            board.note(loadFailure: nil, on: engine.device)
            await keep(video, claimed, madeBy: engine, since: started, logger: logger)
        case .failed(let error):
            return await handle(error, claimed, on: engine, logger: logger)
        }
        return .done
    }

    private func keep(
        _ video: EngineVideo,
        _ claimed: ClaimedGeneration,
        madeBy engine: any VideoEngine,
        since started: Duration,
        logger: Logger
    ) async {
        let generation = claimed.generation
        let model = engine.state.model.flatMap(ModelDescription.init)
        let sidecar = Sidecar.bytes(
            of: generation,
            video,
            madeBy: model,
            on: engine.device,
            total: clock.monotonicTime() - started,
            at: clock.wallTime()
        )
        do throws(ResultStoreError) {
            let stored = try await results.adopt(video.file, sidecar: sidecar)
            let key = model.map {
                GenerationKey(
                    $0.key(of: generation.request, scope: generation.key.scope),
                    scope: generation.key.scope
                )
            }
            let outcome = GenerationOutcome.succeeded(
                GenerationResult(video, stored: stored),
                model: model?.name ?? generation.model,
                // The checkpoint may have been replaced while the generation waited.
                answersKey: key == generation.key
            )
            await record(logger) { () throws(TaskStoreError) in try await store.finish(claimed.lease, with: outcome) }
            logger.info("Generation succeeded", metadata: ["video": "\(stored.name)"])
        } catch {
            logger.error("The video could not be stored", metadata: ["error": "\(error)"])
            await fail(claimed, TaskFailure(code: error.code, message: Self.message(of: error)), logger: logger)
        }
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
                await requeue(claimed, after: delay, counts: true, failure, logger: logger)
            }
        case .retryUncounted:
            logger.warning("Generation waits for a working engine", metadata: ["code": "\(error.code)"])
            await requeue(claimed, after: .zero, counts: false, failure, logger: logger)
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

    private func fail(_ claimed: ClaimedGeneration, _ failure: TaskFailure, logger: Logger) async {
        logger.error("Generation failed", metadata: ["code": "\(failure.code)"])
        await record(logger) { () throws(TaskStoreError) in
            try await store.finish(claimed.lease, with: .failed(failure))
        }
    }

    private func requeue(
        _ claimed: ClaimedGeneration,
        after delay: Duration,
        counts: Bool,
        _ failure: TaskFailure,
        logger: Logger
    ) async {
        await record(logger) { () throws(TaskStoreError) in
            try await store.requeue(
                claimed.lease,
                Requeue(delay: delay, countsAsFailure: counts, failure: failure)
            )
        }
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

/// The newest progress of one attempt, handed from the engine's reports to the renewals.
private final class LatestProgress: Sendable {
    private let value = Mutex<GenerationProgress?>(nil)

    var latest: GenerationProgress? { value.withLock { $0 } }

    func set(_ progress: GenerationProgress) {
        value.withLock { $0 = progress }
    }
}
