import Logging
import NIOCore
import ServiceLifecycle
import Synchronization

/// Keeps one engine process running and carries out what `EngineLifecycle` decides.
final class EngineSupervisor: Service, Sendable {
    private typealias Action = EngineLifecycle.Action

    /// What is done without the lock: all that calls someone else.
    private enum Effect {
        case tell
        case report(id: String, EngineReport, PassCall)
        case discard(String)
        case finish(id: String, PassCall.Outcome, PassCall)
        case log(EngineState, before: EngineState)
    }

    private struct Core {
        var lifecycle: EngineLifecycle
        var connection: EngineConnection?
        var group: ProcessGroup?
        var timers: [EngineLifecycle.Awaited: Scheduled<Void>] = [:]
        /// Who waits, by the ids of the generations.
        var calls: [String: PassCall] = [:]
    }

    let board = EngineStateBoard(.starting)
    private let process: EngineProcess
    private let logger: Logger
    private let metrics: EngineMetrics
    private let core: Mutex<Core>

    init(settings: EngineSettings, logger: Logger) {
        var logger = logger
        logger[metadataKey: "device"] = "\(settings.device)"
        self.logger = logger
        metrics = EngineMetrics(device: settings.device)
        process = EngineProcess(settings: settings, logger: logger)
        core = Mutex(Core(lifecycle: EngineLifecycle(settings: settings)))
    }

    /// The process id of the engine that runs, if one does.
    var processID: Int32? {
        core.withLock { $0.group?.processID }
    }

    /// The model of the last pass, while it is on the device.
    var warmModel: String? {
        core.withLock { $0.lifecycle.warmModel }
    }

    // MARK: The process

    func run() async {
        await withTaskCancellationOrGracefulShutdownHandler {
            while true {
                switch core.withLock({ $0.lifecycle.turn() }) {
                case .start:
                    guard let pause = await runProcess() else { return }
                    await rest(pause)
                case .wait: await waitForState { !$0.isAsleep }
                case .end: return
                }
            }
        } onCancelOrGracefulShutdown: {
            self.shutDown()
        }
    }

    func shutDown() {
        apply { $0.shutDown() }
    }

    func sleep() {
        apply { $0.sleep() }
    }

    func wake() {
        apply { $0.wake() }
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
            metrics.ended(fault.code)
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
                if case .loaded = message { metrics.loaded() }
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
            group.addTask { await self.waitForState { $0 == .stopped } }
            await group.next()
            group.cancelAll()
        }
    }

    private func waitForState(_ isRight: (EngineState) -> Bool) async {
        for await state in board.states() where isRight(state) {
            return
        }
    }

    // MARK: Passes

    func generate(
        _ pass: [GenerateCommand],
        report: @escaping @Sendable (String, EngineReport) -> Void,
        ended: @escaping @Sendable (String, PassCall.Outcome) -> Void
    ) async {
        guard !Task.isCancelled else {
            return pass.forEach { ended($0.id, .failure(.cancelled)) }
        }
        let sent = Array(PassCall.sendable(pass))
        for command in pass.dropFirst(max(sent.count, 1)) {
            // It has done nothing wrong, and is the first of another pass.
            ended(command.id, .failure(.yielded))
        }
        guard let leader = sent.first else {
            let error = EngineError.rejectedInput(
                code: "invalid_request", message: "The request cannot be sent to the engine.")
            return pass.prefix(1).forEach { ended($0.id, .failure(error)) }
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let call = PassCall(sent, report: report, ended: ended, continuation: continuation)
                begin(leader, companions: Array(sent.dropFirst()), call)
            }
        } onCancel: {
            sent.forEach { cancel(id: $0.id) }
        }
    }

    func cancel(id: String) {
        apply { $0.cancel(id: id) }
    }

    func yield(id: String) {
        apply { $0.yield(id: id) }
    }

    func park() {
        apply { $0.park() }
    }

    private func begin(_ leader: GenerateCommand, companions: [GenerateCommand], _ call: PassCall) {
        do throws(EngineError) {
            try apply(for: call) { lifecycle throws(EngineError) in
                // Asked under the lock: a cancel is either seen here, or finds the generation in the lifecycle.
                guard !Task.isCancelled else { throw .cancelled }
                return try lifecycle.generate(leader, companions: companions, at: .now)
            }
        } catch {
            call.endAll(.failure(error))
        }
    }

    // MARK: Carrying out

    /// Lets the lifecycle decide and carries that out.
    ///
    /// What changes the engine is done under the lock, so that it happens in the order of the decisions: a cancel never
    /// overtakes its command on the wire. None of it waits. What calls others is done afterwards, by the same thread.
    private func apply<Failure: Error>(
        for call: PassCall? = nil,
        _ event: (inout EngineLifecycle) throws(Failure) -> [Action]
    ) throws(Failure) {
        let effects = try core.withLock { core throws(Failure) -> [Effect] in
            let before = core.lifecycle.state
            let actions = try event(&core.lifecycle)
            call?.ids.forEach { core.calls[$0] = call }
            let effects = actions.compactMap { perform($0, &core) }
            let after = core.lifecycle.state
            guard after != before else { return effects }
            board.note(after)
            return [.tell] + effects + [.log(after, before: before)]
        }
        effects.forEach(perform)
    }

    private func perform(_ action: Action, _ core: inout Core) -> Effect? {
        switch action {
        case .send(let order):
            _ = core.connection?.send(order)
        case .arm(let deadline, let duration):
            core.timers[deadline.awaited]?.cancel()
            core.timers[deadline.awaited] = core.connection?.eventLoop.scheduleTask(in: TimeAmount(duration)) {
                [weak self] in
                self?.apply { $0.deadlinePassed(deadline) }
            }
        case .disarm(let awaited):
            core.timers.removeValue(forKey: awaited)?.cancel()
        case .terminate:
            core.group?.terminate()
        case .kill:
            core.group?.kill()
        case .report(let id, let report):
            return core.calls[id].map { .report(id: id, report, $0) }
        case .discard(let output):
            return .discard(output)
        case .finish(let id, let outcome):
            return core.calls.removeValue(forKey: id).map { .finish(id: id, outcome, $0) }
        }
        return nil
    }

    private func perform(_ effect: Effect) {
        switch effect {
        case .tell: board.tell()
        case .report(let id, let report, let call): call.report(id, report)
        case .finish(let id, let outcome, let call): call.end(id, outcome)
        case .discard(let output): EngineOutput.discard(output, logger)
        case .log(let state, let before): log(state, before)
        }
    }

    private func log(_ state: EngineState, _ before: EngineState) {
        switch state {
        case .ready(let description) where before == .starting || before.fault != nil:
            logger.info(
                "engine is ready",
                metadata: [
                    "models": .array(description.models.map { "\($0.name)" }),
                    "version": "\(description.engineVersion)",
                ]
            )
        case .stopped:
            logger.info("engine stops")
        case .asleep:
            logger.info("engine goes to sleep")
        case .starting, .ready, .busy, .restarting:
            break
        }
    }
}

extension EngineState {
    fileprivate var isAsleep: Bool {
        if case .asleep = self { true } else { false }
    }

    fileprivate var fault: EngineFault? {
        if case .restarting(let fault) = self { fault } else { nil }
    }
}
