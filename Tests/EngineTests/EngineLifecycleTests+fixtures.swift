import TestSupport

@testable import Engine

extension EngineLifecycleTests {
    typealias Action = EngineLifecycle.Action

    static let start = SuspendingClock.now
    static let command = EngineFixture.command(in: "/nowhere", id: "g-1", steps: 4)
    /// With a checkpoint and a preview.
    static let periodic = {
        var periodic = command
        periodic.checkpoint = .init(file: "/nowhere/checkpoint", every: 2)
        periodic.preview = .init(file: "/nowhere/preview", every: 1)
        return periodic
    }()
    static let crash = EngineError.crashed(message: "The engine process ended (signal 9).")

    static var settings: EngineSettings {
        EngineSettings(source: .timed(stepSeconds: 0), environment: [:])
    }

    static func at(_ seconds: Int) -> SuspendingClock.Instant {
        start + .seconds(seconds)
    }

    static func hello(protocol version: Int = 2, model: EngineModel = EngineFixture.model) -> EngineMessage {
        hello(protocol: version, models: [model])
    }

    static func hello(
        protocol version: Int = 2,
        models: [EngineModel],
        loras: [EngineLoRA] = EngineFixture.description.loras,
        memoryBytes: Int64 = EngineFixture.description.memoryBytes
    ) -> EngineMessage {
        .hello(
            .init(
                protocol: version, engineVersion: "scripted", pid: 1, device: "cpu", memoryBytes: memoryBytes,
                models: models, loras: loras
            )
        )
    }

    static func progress(_ stage: EngineProgress.Stage, _ step: Int, of total: Int = 4) -> EngineMessage {
        .progress(.init(id: "g-1", stage: stage, step: step, totalSteps: total))
    }

    static func done(
        file: String = command.output,
        memoryMode: EngineMemoryMode = .full,
        resumedStep: Int = 0,
        skippedSteps: Int = 0
    ) -> EngineMessage {
        .done(
            .init(
                id: "g-1", file: file, bytes: 1, width: 64, height: 64, renderedWidth: 64, renderedHeight: 64,
                numFrames: 5, fps: 8, seed: 7, memoryMode: memoryMode, resumedStep: resumedStep,
                skippedSteps: skippedSteps, seconds: [:]
            )
        )
    }

    static func failed(_ kind: EngineMessage.Failed.Kind) -> EngineMessage {
        .failed(.init(id: "g-1", kind: kind, code: "code", message: "message"))
    }

    static func ready(_ settings: EngineSettings = settings) -> EngineLifecycle {
        var lifecycle = EngineLifecycle(settings: settings)
        _ = lifecycle.started()
        _ = lifecycle.received(hello(), at: start)
        return lifecycle
    }

    static func busy(
        _ settings: EngineSettings = settings,
        with command: GenerateCommand = command
    ) throws -> EngineLifecycle {
        var lifecycle = ready(settings)
        _ = try lifecycle.generate(command, at: start)
        return lifecycle
    }

    /// What the generation came to.
    func outcomes(_ actions: [Action]) -> [Result<EngineVideo, EngineError>] {
        actions.compactMap { if case .finish(let outcome) = $0 { outcome } else { nil } }
    }

    func armed(_ actions: [Action]) -> (after: Duration, number: Int)? {
        guard case .arm(let after, let number) = actions.last else { return nil }
        return (after, number)
    }
}
