import Engine
import Logging
import Synchronization
import Tasks
import TestSupport
import Testing

@testable import Scheduling

struct EngineGoesDownTests {
    @Test("A generation whose engine goes down between the choice and the attempt waits again and is made")
    func beforeTheAttempt() async throws {
        let engine = ScriptedEngine()
        let isFirst = Mutex(true)
        let logger = Logger(label: "test") { _ in
            Listener { message in
                switch message {
                case "Pass begins":
                    // Chosen and claimed, and not asked for anything yet.
                    guard
                        isFirst.withLock({ first in
                            defer { first = false }; return first
                        })
                    else { return }
                    engine.becomeUnavailable(EngineFault(code: "engine_crashed", message: "It has gone."))
                case "Generation waits for a working engine": engine.becomeReady()
                default: break
                }
            }
        }
        try await SchedulerWorld.with([engine], logger: logger) { world in
            let id = try await world.submit("a cat").task.id
            let ended = try await world.task(id, reaches: .succeeded)
            #expect(ended.generation.attempts == 2)
            #expect(ended.generation.failures == 0)
            #expect(engine.commands.count == 1)
        }
        #expect(isFirst.withLock { $0 } == false)
    }
}
