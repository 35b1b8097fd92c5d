import TestSupport
import Testing

@testable import Engine

/// An engine that is not needed.
extension EngineLifecycleTests {
    @Test("A model that was parked is not warm, and the next pass makes it so")
    func parks() throws {
        var lifecycle = try Self.writing()
        #expect(lifecycle.warmModel == "scripted")
        #expect(lifecycle.park() == [.send(.park)] && lifecycle.warmModel == nil)
        #expect(lifecycle.park().isEmpty)
        // It may be asked for the next before it has answered.
        var second = Self.command
        second.id = "g-2"
        _ = try lifecycle.generate(second, at: Self.start)
        #expect(lifecycle.received(.parked(.init()), at: Self.start).isEmpty)
        #expect(lifecycle.park().isEmpty && lifecycle.warmModel == nil)
        _ = lifecycle.received(.loading, at: Self.start)
        _ = lifecycle.received(.loaded(.init(seconds: 1)), at: Self.start)
        _ = lifecycle.received(Self.progress(.encode, 0, id: "g-2"), at: Self.start)
        #expect(lifecycle.warmModel == "scripted")
        _ = lifecycle.received(Self.failed(.internal, id: "g-2"), at: Self.start)
        #expect(lifecycle.park() == [.send(.park)])
    }

    @Test("Only an engine that is ready is parked", arguments: ["starting", "busy", "stopped", "asleep"])
    func parksNothingElse(state: String) throws {
        var lifecycle = EngineLifecycle(settings: Self.settings)
        switch state {
        case "busy": lifecycle = try Self.busy()
        case "stopped": _ = lifecycle.shutDown()
        case "asleep": _ = lifecycle.sleep()
        default: _ = lifecycle.started()
        }
        #expect(lifecycle.park().isEmpty)
    }

    @Test("An idle engine that is put to sleep ends politely, says what it was, and refuses work until it is woken")
    func sleeps() throws {
        var lifecycle = Self.ready()
        let actions = lifecycle.sleep()
        #expect(actions.prefix(2) == [.send(.shutdown), .terminate] && armed(actions)?.after == .seconds(10))
        #expect(lifecycle.state == .asleep(EngineFixture.description))
        #expect(lifecycle.state.description == EngineFixture.description)
        let error = #expect(throws: EngineError.self) { try lifecycle.generate(Self.command, at: Self.start) }
        #expect(error?.code == "engine_asleep" && error?.advice == .retryUncounted)
        #expect(lifecycle.sleep().isEmpty)
        let end = lifecycle.processEnded("ended", lastWords: ["words"], at: Self.start)
        #expect(end.pause == .zero && lifecycle.failures == 0)
        var turn = lifecycle.turn()
        #expect(turn == .wait && lifecycle.state == .asleep(EngineFixture.description))
        #expect(lifecycle.wake().isEmpty && lifecycle.state == .starting)
        turn = lifecycle.turn()
        #expect(turn == .start)
        _ = lifecycle.started()
        _ = lifecycle.received(Self.hello(), at: Self.start)
        #expect(lifecycle.state == .ready(EngineFixture.description) && lifecycle.warmModel == nil)
    }

    @Test("One that hangs when it is put to sleep is killed")
    func killsSleepless() throws {
        var lifecycle = Self.ready()
        let deadline = try #require(armed(lifecycle.sleep())).deadline
        #expect(lifecycle.deadlinePassed(deadline) == [.kill])
    }

    @Test("Neither an engine at work nor one that is writing is put to sleep")
    func staysAwake() throws {
        var busy = try Self.busy()
        #expect(busy.sleep().isEmpty && busy.state == .busy(EngineFixture.description))
        var writing = try Self.writing()
        #expect(writing.sleep().isEmpty && writing.state == .ready(EngineFixture.description))
    }

    @Test("An engine can sleep before its first start, between two, and while it starts")
    func sleepsWithoutProcess() {
        var fresh = EngineLifecycle(settings: Self.settings)
        #expect(fresh.sleep().isEmpty && fresh.state == .asleep(nil) && fresh.state.description == nil)
        var turn = fresh.turn()
        #expect(turn == .wait)
        var starting = EngineLifecycle(settings: Self.settings)
        _ = starting.started()
        #expect(starting.sleep().prefix(2) == [.send(.shutdown), .terminate])
        // It may have been about to speak.
        #expect(starting.received(Self.hello(), at: Self.start).isEmpty)
        var spawning = EngineLifecycle(settings: Self.settings)
        turn = spawning.turn()
        _ = spawning.sleep()
        #expect(turn == .start && spawning.started().first == .terminate)
        var failing = EngineLifecycle(settings: Self.settings)
        _ = failing.started()
        _ = failing.processEnded("ended", at: Self.start)
        #expect(failing.sleep().isEmpty && failing.state == .asleep(nil))
        _ = failing.wake()
        // Its fault is still the newest that is known.
        #expect(failing.state.unreadiness.code == "engine_crashed")
    }

    @Test("One that is woken before its process is gone starts again at once")
    func wakesEarly() {
        var lifecycle = Self.ready()
        _ = lifecycle.sleep()
        _ = lifecycle.wake()
        #expect(lifecycle.state == .starting)
        #expect(lifecycle.processEnded("ended", at: Self.start).pause == .zero)
        let turn = lifecycle.turn()
        #expect(turn == .start && lifecycle.state == .starting)
    }

    @Test("A sleeper can be shut down, and is not woken afterwards")
    func shutsDownAsleep() {
        var lifecycle = Self.ready()
        _ = lifecycle.sleep()
        _ = lifecycle.processEnded("ended", at: Self.start)
        #expect(lifecycle.shutDown().isEmpty && lifecycle.state == .stopped)
        #expect(lifecycle.wake().isEmpty && lifecycle.sleep().isEmpty)
        let turn = lifecycle.turn()
        #expect(turn == .end && lifecycle.state == .stopped)
    }
}
