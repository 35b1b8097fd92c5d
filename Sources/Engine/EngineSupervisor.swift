import Logging
import NIOCore
import ServiceLifecycle
import Synchronization

/// Keeps one engine process running and carries out what `EngineLifecycle` decides.
final class EngineSupervisor: Service, Sendable {
    private typealias Action = EngineLifecycle.Action
    private typealias Outcome = Result<EngineVideo, EngineError>

    /// Who waits for the generation.
    private struct Waiter: Sendable {
        var report: @Sendable (EngineReport) -> Void
        var continuation: CheckedContinuation<Outcome, Never>
    }

    /// What is done without the lock: all that calls someone else.
    private enum Effect {
        case report(EngineReport, Waiter)
        case discard(String)
        case finish(Outcome, Waiter)
        case log(EngineState, before: EngineState)
    }

    private struct Core {
        var lifecycle: EngineLifecycle
        var connection: EngineConnection?
        var group: ProcessGroup?
        var timer: Scheduled<Void>?
        var waiter: Waiter?
    }

    let board = EngineStateBoard(.starting)
    private let process: EngineProcess
    private let logger: Logger
    private let core: Mutex<Core>

    init(settings: EngineSettings, logger: Logger) {
        var logger = logger
        logger[metadataKey: "device"] = "\(settings.device)"
        self.logger = logger
        process = EngineProcess(settings: settings, logger: logger)
        core = Mutex(Core(lifecycle: EngineLifecycle(settings: settings)))
    }

    /// The process id of the engine that runs, if one does.
    var processID: Int32? {
        core.withLock { $0.group?.processID }
    }

    // MARK: The process

    func run() async {
        await withTaskCancellationOrGracefulShutdownHandler {
            while core.withLock({ $0.lifecycle.mayStart() }) {
                guard let pause = await runProcess() else { return }
                await rest(pause)
            }
        } onCancelOrGracefulShutdown: {
            self.shutDown()
        }
    }

    func shutDown() {
        apply { $0.shutDown() }
    }

    /// One process from its start to its end.
    ///
    /// - Returns: the pause before the next one; `nil` if there is none.
    private func runProcess() async -> Duration? {
        var exit = EngineProcess.Exit(reason: "", lastWords: [])
        var code = "engine_crashed"
        do {
            exit = try await process.run { connection, group in
                await self.converse(connection, group)
            }
        } catch {
            exit.reason = error.message
            code = error.code
        }
        var pause: Duration?
        apply { lifecycle in
            let end = lifecycle.processEnded(exit.reason, code: code, lastWords: exit.lastWords, at: .now)
            pause = end.pause
            return end.actions
        }
        core.withLock { core in
            core.connection = nil
            core.group = nil
        }
        if let pause, case .restarting(let fault) = board.state {
            logger.warning(
                "engine is down",
                metadata: [
                    "code": "\(fault.code)", "reason": "\(fault.message)", "pause": "\(pause)",
                    "log": .array(fault.log.map { "\($0)" }),
                ]
            )
        }
        return pause
    }

    private func converse(_ connection: EngineConnection, _ group: ProcessGroup) async {
        core.withLock { core in
            core.connection = connection
            core.group = group
        }
        apply { $0.started() }
        do {
            try await connection.forEachMessage { message in
                apply { $0.received(message, at: .now) }
            }
            apply { $0.channelEnded(nil) }
        } catch {
            apply { $0.channelEnded(error as? FrameFault) }
        }
    }

    /// Waits, but not beyond the order to stop.
    private func rest(_ pause: Duration) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                // Ends early if the task is cancelled, and that is all that cancelling means here.
                try? await Task.sleep(for: pause, clock: .suspending)
            }
            group.addTask {
                for await state in self.board.states() where state == .stopped {
                    return
                }
            }
            await group.next()
            group.cancelAll()
        }
    }

    // MARK: The generation

    func generate(
        _ command: GenerateCommand,
        report: @escaping @Sendable (EngineReport) -> Void
    ) async throws(EngineError) -> EngineVideo {
        guard !Task.isCancelled else { throw .cancelled }
        guard FrameCodec.frame(.generate(command)) != nil else {
            throw .rejectedInput(code: "invalid_request", message: "The request cannot be sent to the engine.")
        }
        let outcome = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                begin(command, Waiter(report: report, continuation: continuation))
            }
        } onCancel: {
            apply { $0.cancel(id: command.id) }
        }
        return try outcome.get()
    }

    func yield(id: String) {
        apply { $0.yield(id: id) }
    }

    private func begin(_ command: GenerateCommand, _ waiter: Waiter) {
        do throws(EngineError) {
            try apply(for: waiter) { lifecycle throws(EngineError) in
                // Asked under the lock: a cancel is either seen here, or finds the generation in the lifecycle.
                guard !Task.isCancelled else { throw .cancelled }
                return try lifecycle.generate(command, at: .now)
            }
        } catch {
            waiter.continuation.resume(returning: .failure(error))
        }
    }

    // MARK: Carrying out

    /// Lets the lifecycle decide and carries that out.
    ///
    /// What changes the engine is done under the lock, so that it happens in the order of the decisions: a cancel never
    /// overtakes its command on the wire. None of it waits. What calls others is done afterwards, by the same thread.
    private func apply<Failure: Error>(
        for waiter: Waiter? = nil,
        _ event: (inout EngineLifecycle) throws(Failure) -> [Action]
    ) throws(Failure) {
        let effects = try core.withLock { core throws(Failure) -> [Effect] in
            let before = core.lifecycle.state
            let actions = try event(&core.lifecycle)
            core.waiter = waiter ?? core.waiter
            var effects = actions.compactMap { perform($0, &core) }
            let after = core.lifecycle.state
            if after != before {
                board.publish(after)
                effects.append(.log(after, before: before))
            }
            return effects
        }
        effects.forEach(perform)
    }

    private func perform(_ action: Action, _ core: inout Core) -> Effect? {
        switch action {
        case .send(let order):
            _ = core.connection?.send(order)
        case .arm(let duration, let number):
            core.timer?.cancel()
            core.timer = core.connection?.eventLoop.scheduleTask(in: TimeAmount(duration)) { [weak self] in
                self?.apply { $0.deadlinePassed(number: number) }
            }
        case .disarm:
            core.timer?.cancel()
            core.timer = nil
        case .terminate:
            core.group?.terminate()
        case .kill:
            core.group?.kill()
        case .report(let report):
            return core.waiter.map { .report(report, $0) }
        case .discard(let output):
            return .discard(output)
        case .finish(let outcome):
            defer { core.waiter = nil }
            return core.waiter.map { .finish(outcome, $0) }
        }
        return nil
    }

    private func perform(_ effect: Effect) {
        switch effect {
        case .report(let report, let waiter): waiter.report(report)
        case .finish(let outcome, let waiter): waiter.continuation.resume(returning: outcome)
        case .discard(let output): EngineOutput.discard(output, logger)
        case .log(let state, let before): log(state, before)
        }
    }

    private func log(_ state: EngineState, _ before: EngineState) {
        switch state {
        case .ready(let description) where before.description == nil:
            logger.info(
                "engine is ready",
                metadata: [
                    "models": .array(description.models.map { "\($0.name)" }),
                    "version": "\(description.engineVersion)",
                ]
            )
        case .stopped:
            logger.info("engine stops")
        case .starting, .ready, .busy, .restarting:
            break
        }
    }
}
