import TestSupport
import Testing

@testable import Engine

/// The decisions, one by one, without a process and without a clock.
@Suite("Engine lifecycle")
struct EngineLifecycleTests {
    @Test("An engine is ready once it has said hello, with the version that hello brings")
    func becomesReady() {
        var lifecycle = EngineLifecycle(settings: Self.settings)
        #expect(lifecycle.state == .starting)
        #expect(armed(lifecycle.started())?.after == .seconds(120))
        #expect(lifecycle.received(Self.hello(), at: Self.start) == [.disarm(.process)])
        #expect(lifecycle.state == .ready(EngineFixture.description))
    }

    @Test("A whole generation: command, progress in order, video")
    func generates() throws {
        var lifecycle = Self.ready()
        let first = try lifecycle.generate(Self.command, at: Self.start)
        #expect(first.first == .send(.generate(Self.command)))
        #expect(lifecycle.state == .busy(EngineFixture.description))
        var reports: [EngineProgress] = []
        let messages = [
            .loading, .loaded(.init(seconds: 1)), Self.progress(.encode, 0), Self.progress(.denoise, 0),
            Self.progress(.denoise, 4), Self.progress(.decode, 4), Self.released("g-1"), Self.progress(.write, 4),
        ]
        for message in messages {
            for case .report(_, .progress(let progress)) in lifecycle.received(message, at: Self.start) {
                reports.append(progress)
            }
        }
        #expect(reports.map(\.stage) == [.load, .encode, .denoise, .denoise, .decode, .write])
        let last = outcomes(lifecycle.received(Self.done(), at: Self.start))
        #expect(try last.first?.get().file == Self.command.output && last.count == 1)
        #expect(lifecycle.state == .ready(EngineFixture.description))
    }

    @Test("An engine that is not ready refuses and says why")
    func refusesWhenNotReady() throws {
        var starting = EngineLifecycle(settings: Self.settings)
        var busy = try Self.busy()
        var stopped = Self.ready()
        _ = stopped.shutDown()
        let errors = [
            #expect(throws: EngineError.self) { try starting.generate(Self.command, at: Self.start) },
            #expect(throws: EngineError.self) { try busy.generate(Self.command, at: Self.start) },
            #expect(throws: EngineError.self) { try stopped.generate(Self.command, at: Self.start) },
        ]
        #expect(errors.map { $0?.code } == ["engine_starting", "engine_busy", "engine_stopped"])
    }

    @Test("What has no place in the state kills the engine; the generation is reported once, when the process is gone")
    func killsOnBreach() throws {
        var unsound = EngineFixture.model
        unsound.limits.minWidth = 2000
        let beforeHello: [EngineMessage] = [
            Self.hello(protocol: 2), Self.hello(model: unsound), .loading, Self.progress(.encode, 0), Self.done(),
            Self.failed(.internal), Self.released("g-1"), .parked(.init()),
        ]
        for message in beforeHello {
            var lifecycle = EngineLifecycle(settings: Self.settings)
            _ = lifecycle.started()
            #expect(lifecycle.received(message, at: Self.start) == [.kill], "\(message.name)")
        }
        let beforeCommand: [EngineMessage] = [
            Self.hello(), .loading, .loaded(.init(seconds: 1)), Self.progress(.encode, 0), Self.done(),
            Self.failed(.internal), .refused(.init(code: "c", message: "m")), Self.released("g-1"), .parked(.init()),
        ]
        for message in beforeCommand {
            var lifecycle = Self.ready()
            #expect(lifecycle.received(message, at: Self.start) == [.kill], "\(message.name)")
        }
        let contradictions: [[EngineMessage]] = [
            [.loaded(.init(seconds: 1))], [.loading, .loading], [.loading, Self.progress(.encode, 0)],
            [Self.progress(.load, 0)], [Self.progress(.denoise, 5)], [Self.progress(.denoise, -1)],
            [Self.progress(.denoise, 0, of: 0)], [Self.progress(.denoise, 2), Self.progress(.denoise, 1)],
            [Self.progress(.decode, 2), Self.progress(.denoise, 3)],
            [Self.progress(.denoise, 1), Self.progress(.denoise, 2, of: 9)], [Self.done()], [.parked(.init())],
            [.progress(.init(id: "g-2", stage: .encode, step: 0, totalSteps: 4))],
            [.failed(.init(id: "g-2", kind: .internal, code: "engine_busy", message: ""))], [Self.hello()],
        ]
        for messages in contradictions {
            var lifecycle = try Self.busy()
            let actions = messages.flatMap { lifecycle.received($0, at: Self.start) }
            #expect(actions.last == .kill && outcomes(actions).isEmpty, "\(messages.map(\.name))")
            #expect(lifecycle.received(Self.done(), at: Self.start).isEmpty)
            #expect(lifecycle.channelEnded(nil).isEmpty)
            let end = lifecycle.processEnded("The engine process ended (signal 9).", at: Self.start)
            guard case .failure(.crashed) = outcomes(end.actions).first else {
                Issue.record("not reported as a crash: \(end.actions)")
                continue
            }
            #expect(outcomes(end.actions).count == 1 && end.actions.contains(.discard(output: Self.command.output)))
            #expect(end.pause == .seconds(1))
        }
    }

    @Test("A process that ends takes its generation along as crashed, once")
    func reportsCrash() throws {
        var lifecycle = try Self.busy()
        let closed = lifecycle.channelEnded(nil)
        #expect(armed(closed)?.after == EngineLifecycle.exitGrace && outcomes(closed).isEmpty)
        let end = lifecycle.processEnded("ended", lastWords: ["one", "two"], at: Self.start)
        #expect(outcomes(end.actions).count == 1)
        guard case .restarting(let fault) = lifecycle.state else {
            Issue.record("state is \(lifecycle.state)")
            return
        }
        #expect(fault.code == "engine_crashed" && fault.log == ["one", "two"])
        #expect(!fault.message.contains("one"))
    }

    @Test(
        "Each kind of failure is told apart and leaves the engine ready",
        arguments: [
            (EngineMessage.Failed.Kind.invalidInput, EngineError.rejectedInput(code: "code", message: "message")),
            (.outOfMemory, .outOfMemory(EngineMemoryFault(message: "message"))),
            (.storage, .storage(code: "code", message: "message")),
            (.internal, .failed(code: "code", message: "message")),
        ]
    )
    func tellsFailuresApart(kind: EngineMessage.Failed.Kind, error: EngineError) throws {
        var lifecycle = try Self.busy()
        let actions = lifecycle.received(Self.failed(kind), at: Self.start)
        #expect(actions == [.finish(id: "g-1", .failure(error)), .disarm(.sign(pass: 1))])
        #expect(lifecycle.state == .ready(EngineFixture.description))
    }

    @Test("A model that cannot be loaded ends the process, so that the next one sees what was repaired")
    func restartsAfterLoadFailure() throws {
        var lifecycle = try Self.busy()
        let actions = lifecycle.received(Self.failed(.loadFailed), at: Self.start)
        #expect(outcomes(actions) == [.failure(.loadFailed(code: "code", message: "message"))])
        #expect(actions.contains(.terminate) && armed(actions, for: .process)?.after == .seconds(10))
        #expect(lifecycle.state == .restarting(EngineFault(code: "code", message: "message")))
        #expect(outcomes(lifecycle.processEnded("ended", at: Self.start).actions).isEmpty)
    }

    @Test("A cancel is sent once; every end that follows is cancelled, and a finished video is removed")
    func cancels() throws {
        let ends: [EngineMessage] = [Self.failed(.cancelled), Self.failed(.internal), Self.done()]
        for end in ends {
            // A video comes of what is being written.
            var lifecycle = end == Self.done() ? try Self.writing() : try Self.busy()
            let actions = lifecycle.cancel(id: "g-1")
            #expect(actions.first == .send(.cancel(id: "g-1")) && armed(actions)?.after == .seconds(30))
            #expect(lifecycle.cancel(id: "g-1").isEmpty)
            // A step after the cancel does not move its deadline.
            let sign = Self.progress(end == Self.done() ? .write : .encode, end == Self.done() ? 4 : 0)
            #expect(armed(lifecycle.received(sign, at: Self.start), for: .cancel(id: "g-1")) == nil)
            let last = lifecycle.received(end, at: Self.start)
            #expect(outcomes(last) == [.failure(.cancelled)])
            #expect(last.contains(.discard(output: Self.command.output)) == (end == Self.done()))
        }
        var lifecycle = Self.ready()
        #expect(lifecycle.cancel(id: "g-1").isEmpty)
    }

    @Test("A cancel that is not answered kills the engine, and is cancelled all the same")
    func killsAfterUnansweredCancel() throws {
        var lifecycle = try Self.busy()
        let deadline = try #require(armed(lifecycle.cancel(id: "g-1"))).deadline
        var other = deadline
        other.number -= 1
        #expect(lifecycle.deadlinePassed(other).isEmpty)
        #expect(lifecycle.deadlinePassed(deadline) == [.kill])
        #expect(outcomes(lifecycle.processEnded("ended", at: Self.start).actions) == [.failure(.cancelled)])
    }

    @Test("A cancel waits for a load, and its deadline begins after it")
    func cancelsAfterLoad() throws {
        var lifecycle = try Self.busy()
        _ = lifecycle.received(.loading, at: Self.start)
        #expect(lifecycle.cancel(id: "g-1") == [.send(.cancel(id: "g-1"))])
        let loaded = lifecycle.received(.loaded(.init(seconds: 90)), at: Self.at(90))
        #expect(armed(loaded)?.after == .seconds(30))
    }

    @Test("An engine that is silent for too long is killed and its generation has stalled")
    func killsStalled() throws {
        var lifecycle = try Self.busy()
        let deadline = try #require(armed(lifecycle.received(Self.progress(.encode, 0), at: Self.start))).deadline
        #expect(lifecycle.deadlinePassed(deadline) == [.kill])
        let outcome = outcomes(lifecycle.processEnded("ended", at: Self.start).actions).first
        guard case .failure(.stalled) = outcome else {
            Issue.record("not reported as stalled: \(String(describing: outcome))")
            return
        }
    }

    @Test("A deadline that was replaced or disarmed does nothing")
    func ignoresOldDeadlines() throws {
        var lifecycle = EngineLifecycle(settings: Self.settings)
        let deadline = try #require(armed(lifecycle.started())).deadline
        _ = lifecycle.received(Self.hello(), at: Self.start)
        #expect(lifecycle.deadlinePassed(deadline).isEmpty)
        #expect(lifecycle.state == .ready(EngineFixture.description))
    }

    @Test("A refusal is shown with its code until an engine says hello")
    func keepsRefusal() {
        var lifecycle = EngineLifecycle(settings: Self.settings)
        _ = lifecycle.started()
        _ = lifecycle.received(.refused(.init(code: "model_not_found", message: "Nothing there.")), at: Self.start)
        _ = lifecycle.channelEnded(nil)
        _ = lifecycle.processEnded("ended", at: Self.start)
        _ = lifecycle.started()
        guard case .restarting(let fault) = lifecycle.state else {
            Issue.record("state is \(lifecycle.state)")
            return
        }
        #expect(fault.code == "model_not_found")
        _ = lifecycle.received(Self.hello(), at: Self.start)
        #expect(lifecycle.state == .ready(EngineFixture.description))
    }

    @Test("Pauses double up to the cap, never end, and begin anew after a healthy period")
    func backsOff() {
        var lifecycle = EngineLifecycle(settings: Self.settings)
        var pauses: [Duration?] = []
        for _ in 0..<9 {
            _ = lifecycle.started()
            pauses.append(lifecycle.processEnded("ended", at: Self.start).pause)
        }
        #expect(pauses == [1, 2, 4, 8, 16, 32, 60, 60, 60].map { .seconds($0) })
        _ = lifecycle.started()
        _ = lifecycle.received(Self.hello(), at: Self.start)
        #expect(lifecycle.processEnded("ended", at: Self.at(59)).pause == .seconds(60))
        _ = lifecycle.started()
        _ = lifecycle.received(Self.hello(), at: Self.start)
        #expect(lifecycle.processEnded("ended", at: Self.at(60)).pause == .seconds(1))
        #expect(EngineSettings.BackOff().pause(afterFailures: .max) == .seconds(60))
        #expect(EngineSettings.BackOff().pause(afterFailures: -1) == .seconds(1))
    }

    @Test("A shutdown asks, then kills, and nothing is started afterwards")
    func shutsDown() throws {
        var lifecycle = try Self.busy()
        let actions = lifecycle.shutDown()
        #expect(actions.prefix(2) == [.send(.shutdown), .terminate] && lifecycle.state == .stopped)
        #expect(lifecycle.shutDown().isEmpty)
        let deadline = try #require(armed(actions)).deadline
        #expect(lifecycle.deadlinePassed(deadline) == [.kill])
        let end = lifecycle.processEnded("ended", at: Self.start)
        guard case .failure(.unavailable(let fault)) = outcomes(end.actions).first else {
            Issue.record("ends as \(end.actions)")
            return
        }
        let turn = lifecycle.turn()
        #expect(fault.code == "engine_stopped" && end.pause == nil && turn == .end)
    }

    @Test("A shutdown before the first start, or between two, starts nothing; one during a start ends it")
    func shutsDownWithoutProcess() {
        var waiting = EngineLifecycle(settings: Self.settings)
        let actions = waiting.shutDown()
        let end = waiting.turn()
        #expect(actions.isEmpty && end == .end)
        var spawning = EngineLifecycle(settings: Self.settings)
        let turn = spawning.turn()
        #expect(turn == .start)
        _ = spawning.shutDown()
        #expect(spawning.started().first == .terminate)
        #expect(spawning.processEnded("ended", at: Self.start).pause == nil)
    }

    @Test("A video that is complete when the shutdown comes is not lost")
    func keepsVideoDuringShutdown() throws {
        var lifecycle = try Self.writing()
        _ = lifecycle.shutDown()
        let outcome = outcomes(lifecycle.received(Self.done(), at: Self.start))
        #expect(try outcome.first?.get().bytes == 1)
        #expect(outcomes(lifecycle.processEnded("ended", at: Self.start).actions).isEmpty)
    }
}
