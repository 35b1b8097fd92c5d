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

    static func hello(protocol version: Int = 3, model: EngineModel = EngineFixture.model) -> EngineMessage {
        hello(protocol: version, models: [model])
    }

    static func hello(
        protocol version: Int = 3,
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

    static func progress(
        _ stage: EngineProgress.Stage,
        _ step: Int,
        of total: Int = 4,
        id: String = "g-1"
    ) -> EngineMessage {
        .progress(.init(id: id, stage: stage, step: step, totalSteps: total))
    }

    static func released(_ ids: String...) -> EngineMessage {
        .released(.init(ids: ids))
    }

    static func done(
        id: String = "g-1",
        file: String? = nil,
        memoryMode: EngineMemoryMode = .full,
        resumedStep: Int = 0,
        skippedSteps: Int = 0
    ) -> EngineMessage {
        .done(
            .init(
                id: id, file: file ?? "/nowhere/\(id).mp4", bytes: 1, width: 64, height: 64, renderedWidth: 64,
                renderedHeight: 64,
                numFrames: 5, fps: 8, seed: 7, memoryMode: memoryMode, resumedStep: resumedStep,
                skippedSteps: skippedSteps, seconds: [:]
            )
        )
    }

    static func failed(_ kind: EngineMessage.Failed.Kind, id: String = "g-1") -> EngineMessage {
        .failed(.init(id: id, kind: kind, code: "code", message: "message"))
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

    /// A generation off the device, its file not written.
    static func writing(
        _ settings: EngineSettings = settings,
        with command: GenerateCommand = command
    ) throws -> EngineLifecycle {
        var lifecycle = try busy(settings, with: command)
        lifecycle.release(command.id)
        return lifecycle
    }

    /// What the generations came to.
    func outcomes(_ actions: [Action]) -> [Result<EngineVideo, EngineError>] {
        actions.compactMap { if case .finish(_, let outcome) = $0 { outcome } else { nil } }
    }

    /// What each generation came to.
    func ends(_ actions: [Action]) -> [String: Result<EngineVideo, EngineError>] {
        actions.reduce(into: [:]) { ends, action in
            if case .finish(let id, let outcome) = action { ends[id] = outcome }
        }
    }

    /// What was armed last, of all or of one kind.
    func armed(
        _ actions: [Action],
        for awaited: EngineLifecycle.Awaited? = nil
    ) -> (after: Duration, deadline: EngineLifecycle.Deadline)? {
        actions.reversed().lazy.compactMap { action in
            guard case .arm(let deadline, let after) = action, deadline.awaited == awaited ?? deadline.awaited else {
                return nil
            }
            return (after, deadline)
        }.first
    }
}

extension EngineLifecycle {
    /// Lets generations be decoded and released.
    mutating func release(_ ids: String...) {
        for id in ids {
            _ = received(EngineLifecycleTests.progress(.decode, 4, id: id), at: EngineLifecycleTests.start)
        }
        _ = received(.released(.init(ids: ids)), at: EngineLifecycleTests.start)
    }
}
