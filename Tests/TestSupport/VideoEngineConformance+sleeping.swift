import Engine
import Foundation
import Testing

/// An engine that is not needed.
extension VideoEngineConformance {
    static let sleeping: [VideoEngineConformance] = [
        Self(name: "a parked engine is ready, holds nothing, and comes back to the same video", check: park),
        Self(name: "a sleeping engine has no process, refuses work, and is as good as new when woken", check: sleep),
        Self(name: "an engine at work is neither parked nor put to sleep", check: staysAwake),
    ]

    private static func park(_ world: VideoEngineWorld) async throws {
        let first = try await world.generate(world.command()).outcome.get()
        #expect(world.engine.warmModel != nil)
        world.engine.park()
        world.engine.park()
        #expect(world.engine.warmModel == nil)
        guard case .ready = world.engine.state else {
            Issue.record("the engine is \(world.engine.state)")
            return
        }
        let second = try await world.generate(world.command()).outcome.get()
        #expect(
            try Data(contentsOf: URL(filePath: first.file)) == Data(contentsOf: URL(filePath: second.file))
        )
        #expect(world.engine.warmModel != nil)
    }

    private static func sleep(_ world: VideoEngineWorld) async throws {
        let description = try #require(world.engine.state.description)
        let process = world.processID()
        world.engine.sleep()
        #expect(world.engine.state == .asleep(description) && world.engine.warmModel == nil)
        let command = EngineFixture.command(model: description.models[0].name, in: world.directory)
        let refused = try await world.generate(command)
        #expect(refused.error?.code == "engine_asleep" && refused.error?.advice == .retryUncounted)
        try await EngineFixture.wait(for: "the end of the process") { world.processID() == nil }
        world.engine.sleep()
        world.engine.park()
        world.engine.wake()
        try await world.expectUsable()
        #expect(process == nil || world.processID() != process)
        #expect(world.engine.state.description == description)
        // Nothing happens to one that is awake.
        world.engine.wake()
        #expect(world.engine.state == .ready(description))
    }

    private static func staysAwake(_ world: VideoEngineWorld) async throws {
        let command = try world.command("@step=0.1", steps: 8)
        let run = try await world.generate(
            command,
            interruptedBy: .action {
                world.engine.park()
                world.engine.sleep()
                guard case .busy = world.engine.state else {
                    Issue.record("the engine is not busy but \(world.engine.state)")
                    return
                }
            }
        )
        #expect(try run.outcome.get().file == command.output)
        try await world.expectUsable()
    }
}
