import TestSupport

@testable import Engine

extension EngineLifecycleTests {
    typealias Action = EngineLifecycle.Action

    static let start = SuspendingClock.now
    static let command = EngineFixture.command(in: "/nowhere", id: "g-1", steps: 4)
    static let crash = EngineError.crashed(message: "The engine process ended (signal 9).")

    static var settings: EngineSettings {
        EngineSettings(source: .timed(stepSeconds: 0), environment: [:])
    }

    static func at(_ seconds: Int) -> SuspendingClock.Instant {
        start + .seconds(seconds)
    }

    static func hello(protocol version: Int = 1, model: EngineModel = EngineFixture.model) -> EngineMessage {
        .hello(.init(protocol: version, engineVersion: "scripted", pid: 1, device: "cpu", model: model))
    }

    static func progress(_ stage: EngineProgress.Stage, _ step: Int, of total: Int = 4) -> EngineMessage {
        .progress(.init(id: "g-1", stage: stage, step: step, totalSteps: total))
    }

    static func done(file: String = command.output) -> EngineMessage {
        .done(
            .init(
                id: "g-1", file: file, bytes: 1, width: 64, height: 64, renderedWidth: 64, renderedHeight: 64,
                numFrames: 5, fps: 8, seed: 7, seconds: [:]
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

    static func busy(_ settings: EngineSettings = settings) throws -> EngineLifecycle {
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
