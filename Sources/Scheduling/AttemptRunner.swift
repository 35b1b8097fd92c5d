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
    enum End: Sendable {
        case made(EngineVideo)
        case failed(EngineError)
        /// No task wants it any more, or another worker has it.
        case stop
    }

    let store: any TaskStore
    let results: any ResultStore
    let workspace: Workspace
    let media: FileMediaStore
    let settings: SchedulingSettings
    let clock: any ServiceClock
    let board: EngineBoard
    let wake: WakeSignal
    let running: RunningGenerations
    let logger: Logger

    func run(_ claimed: ClaimedGeneration, on engine: any VideoEngine) async -> Outcome {
        let id = claimed.generation.id
        var logger = logger
        logger[metadataKey: "generation"] = "\(id)"
        logger[metadataKey: "device"] = "\(engine.device)"
        logger[metadataKey: "attempt"] = "\(claimed.generation.attempts)"
        guard let attempt = Attempt(claimed, on: engine, settings: settings, clock: clock) else {
            await fail(claimed, Self.modelIsGone(claimed.generation.model), logger: logger)
            return .done
        }
        logger.info("Generation starts", metadata: ["memory_mode": "\(attempt.mode.rawValue)"])
        let orders = running.add(claimed.generation, at: attempt.started)
        let command = GenerateCommand(
            attempt,
            metadata: settings.embedsMetadata
                ? VideoMetadata(claimed.generation, madeBy: attempt.model, software: settings.software) : nil,
            output: results.stagingPath(for: GenerateCommand.id(of: claimed)),
            inputs: claimed.generation.request.inputs.mapValues { media.path(of: $0.hex) },
            checkpoint: settings.checkpointSteps > 0 ? (workspace.checkpoint(of: id), settings.checkpointSteps) : nil,
            preview: settings.previewSteps > 0 ? (workspace.preview(of: id), settings.previewSteps) : nil
        )
        let end = await work(command, claimed.lease, on: engine, orders: orders, logger: logger)
        // Before the outcome is known to others: whoever waits for this place may take it.
        running.remove(id)
        let outcome = await conclude(end, attempt, on: engine, logger: logger)
        await tidyUp(after: id, logger: logger)
        return outcome
    }

    /// Makes the video while the lease is renewed; ends early on a stop or a lost lease, and gives up with a checkpoint
    /// where something more urgent waits or the server shuts down.
    ///
    /// Returns only when the engine is free again.
    private func work(
        _ command: GenerateCommand,
        _ lease: Lease,
        on engine: any VideoEngine,
        orders: AsyncStream<RunningGenerations.Order>,
        logger: Logger
    ) async -> End {
        let progress = LatestProgress()
        return await withTaskGroup(of: End?.self) { group in
            group.addTask {
                do throws(EngineError) {
                    return .made(try await engine.generate(command) { progress.take($0) })
                } catch {
                    return .failed(error)
                }
            }
            group.addTask {
                for await order in orders {
                    switch order {
                    case .stop: return .stop
                    case .makeWay: engine.yield(id: command.id)
                    }
                }
                return nil
            }
            group.addTask { await renew(lease, progress, logger: logger) }
            group.addTask {
                await drained { engine.yield(id: command.id) }
                return nil
            }
            var end: End?
            for await part in group {
                switch part {
                case .made, .failed:
                    group.cancelAll()
                    // A video that was complete before the stop took effect is kept: the work is done.
                    if case .made? = part { return part ?? .stop }
                    return end ?? part ?? .stop
                case .stop:
                    end = part
                    group.cancelAll()
                case nil: continue
                }
            }
            return end ?? .stop
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

    private static func modelIsGone(_ name: String) -> TaskFailure {
        TaskFailure(
            code: "model_unavailable",
            message: "The model \(name) is not served any more; ask for another one."
        )
    }
}

/// What one attempt is made with.
struct Attempt: Sendable {
    let claimed: ClaimedGeneration
    let model: ModelDescription
    let policy: MemoryPolicy
    let shape: VideoShape
    let mode: MemoryMode
    /// Monotonic.
    let started: Duration

    /// `nil` if the engine does not have the model that the generation was accepted for.
    init?(
        _ claimed: ClaimedGeneration,
        on engine: any VideoEngine,
        settings: SchedulingSettings,
        clock: any ServiceClock
    ) {
        let generation = claimed.generation
        guard let description = engine.state.description,
            let model = ModelDescription(named: generation.model, of: description)
        else { return nil }
        self.claimed = claimed
        self.model = model
        policy = MemoryPolicy(model: model, memoryBytes: description.memoryBytes, wanted: settings.memoryMode)
        shape = generation.plan.shape ?? generation.request.shape
        mode = policy.mode(for: shape, plan: generation.plan)
        started = clock.monotonicTime()
    }
}

/// The newest progress of one attempt, handed from the engine's reports to the renewals.
private final class LatestProgress: Sendable {
    private let value = Mutex<GenerationProgress?>(nil)

    var latest: GenerationProgress? { value.withLock { $0 } }

    func take(_ report: EngineReport) {
        // The others only say what is in a file by now.
        guard case .progress(let progress) = report else { return }
        value.withLock { $0 = GenerationProgress(progress) }
    }
}
