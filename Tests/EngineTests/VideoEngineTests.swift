import Engine
import TestSupport
import Testing

/// The contract, shown by every engine there is.
@Suite("Video engine")
struct VideoEngineTests {
    private static func timed() throws -> EngineSettings {
        var settings = try EngineFixture.settings(.timed(stepSeconds: 0.002))
        // For the hang that is cancelled.
        settings.cancelDeadline = .seconds(1)
        return settings
    }

    @Test("A scripted engine", arguments: VideoEngineConformance.all + VideoEngineConformance.faults)
    func scripted(behaviour: VideoEngineConformance) async throws {
        try await VideoEngineWorld.scripted(behaviour.check)
    }

    @Test("The process with the timed engine", arguments: VideoEngineConformance.all + VideoEngineConformance.faults)
    func timed(behaviour: VideoEngineConformance) async throws {
        try await VideoEngineWorld.process(Self.timed(), behaviour.check)
    }

    @Test("The process with EasyAnimate on the tiny checkpoint")
    func tiny() async throws {
        // One after the other in one process: each would load the libraries anew.
        try await VideoEngineWorld.process(EngineFixture.settings(.models([EngineFixture.tinyModel()]))) { world in
            for behaviour in VideoEngineConformance.all {
                try await behaviour.check(world)
            }
        }
    }
}
