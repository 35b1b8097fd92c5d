import Engine
import Foundation
import Testing

/// Models, memory, and what a generation starts from.
extension VideoEngineConformance {
    static func unknownModel(_ world: VideoEngineWorld) async throws {
        var command = try world.command()
        command.model = "unheard"
        let run = try await world.generate(command)
        guard case .rejectedInput = run.error else {
            Issue.record("ended with \(String(describing: run.error))")
            return
        }
        #expect(run.reports.isEmpty)
        try await world.expectUsable()
    }

    static func lostMemory(_ world: VideoEngineWorld) async throws {
        let process = world.processID()
        let run = try await world.generate(world.command("@oom @oom-leak"))
        guard case .outOfMemory(let fault) = run.error, let before = fault.freeBytesBefore,
            let after = fault.freeBytesAfter
        else {
            Issue.record("ended with \(String(describing: run.error))")
            return
        }
        #expect(after < before)
        // One in memory is back at once.
        if case .restarting(let fault) = world.engine.state {
            #expect(fault.code == "engine_memory_lost")
        }
        try await world.expectUsable()
        #expect(process == nil || world.processID() != process)
    }

    static func lessMemory(_ world: VideoEngineWorld) async throws {
        var command = try world.command("@oom=full @oom-stage=decode")
        command.checkpoint = .init(file: command.output + ".checkpoint", every: 2)
        let run = try await world.generate(command)
        guard case .outOfMemory(let fault) = run.error else {
            Issue.record("ended with \(String(describing: run.error))")
            return
        }
        #expect(fault.stage == .decode)
        command.memoryMode = .modelOffload
        let again = try await world.generate(command)
        let video = try again.outcome.get()
        #expect(video.memoryMode == .modelOffload && video.resumedStep == command.numInferenceSteps)
        #expect(again.resumedStep == command.numInferenceSteps)
    }

    static func inputs(_ world: VideoEngineWorld) async throws {
        let picture = world.directory + "/picture"
        try Data("a picture".utf8).write(to: URL(filePath: picture))
        let plain = try await world.generate(world.command()).outcome.get()
        var command = try world.command()
        command.inputs = [.video: picture]
        command.strength = 0.5
        let video = try await world.generate(command).outcome.get()
        #expect(
            try Data(contentsOf: URL(filePath: video.file)) != Data(contentsOf: URL(filePath: plain.file)),
            "what it starts from makes no difference"
        )
        command = try world.command()
        command.inputs = [.startImage: picture + "-that-is-not-there"]
        let error = try await world.generate(command).error
        guard case .rejectedInput = error else {
            Issue.record("ended with \(String(describing: error))")
            return
        }
        try await world.expectUsable()
    }
}
