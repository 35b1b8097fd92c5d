package import Engine
import Foundation
import Synchronization
import Testing

/// An engine to be examined, up and running, and a directory of its own for its videos.
package struct VideoEngineWorld: Sendable {
    package var engine: any VideoEngine
    package var directory: String
    /// The process behind it; `nil` in memory, and while there is none.
    package var processID: @Sendable () -> Int32?
    /// Ends the engine for good and returns when all of it is gone.
    package var shutDown: @Sendable () async -> Void
    /// Whether it holds previews to a share of the time, and so may leave out all but the first.
    package var pacesPreviews = false

    package init(
        engine: any VideoEngine,
        directory: String,
        processID: @escaping @Sendable () -> Int32?,
        shutDown: @escaping @Sendable () async -> Void
    ) {
        self.engine = engine
        self.directory = directory
        self.processID = processID
        self.shutDown = shutDown
    }

    /// Runs a body with a scripted engine.
    package static func scripted(_ body: (VideoEngineWorld) async throws -> Void) async throws {
        try await withTemporaryDirectory { directory in
            let engine = ScriptedEngine()
            try await body(
                VideoEngineWorld(engine: engine, directory: directory, processID: { nil }, shutDown: { engine.stop() })
            )
        }
    }

    /// Runs a body with a real engine process, ready when the body begins and gone when this returns.
    ///
    /// - Parameters:
    ///   - settings: of the engine.
    ///   - body: what to do with it.
    /// - Throws: what the body throws, or `EngineFixture.Missing` if the engine does not come up.
    package static func process(
        _ settings: EngineSettings,
        _ body: (VideoEngineWorld) async throws -> Void
    ) async throws {
        try await withTemporaryDirectory { directory in
            let engine = PythonEngine(settings: settings)
            let hasEnded = Noted(false)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    await engine.run()
                    hasEnded.change { $0 = true }
                }
                defer { engine.shutDown() }
                var world = VideoEngineWorld(
                    engine: engine,
                    directory: directory,
                    processID: { engine.processID },
                    shutDown: {
                        engine.shutDown()
                        try? await EngineFixture.wait(for: "the end") { hasEnded.value }
                    }
                )
                if case .models = settings.source { world.pacesPreviews = true }
                try await world.waitUntilReady()
                try await body(world)
            }
        }
    }

    /// Waits until the engine takes a generation.
    package func waitUntilReady() async throws {
        try await EngineFixture.wait(for: "ready, not \(engine.state)") {
            if case .ready = engine.state { true } else { false }
        }
    }

    /// What happens to a generation on its way.
    package enum Interruption: Sendable {
        /// Its task is cancelled.
        case cancel
        /// It is asked to give up.
        case yield
        /// Something else, which may take its time.
        case action(@Sendable () async throws -> Void)
    }

    /// What became of a generation.
    package struct Run: Sendable {
        package var outcome: Result<EngineVideo, EngineError>
        /// All that was reported, in order.
        package var reports: [EngineReport]

        /// What was reported of the stages and steps.
        package var progress: [EngineProgress] {
            reports.compactMap { if case .progress(let progress) = $0 { progress } else { nil } }
        }

        /// The step that it went on from, if it said so.
        package var resumedStep: Int? {
            reports.lazy.compactMap { if case .resumed(let step) = $0 { step } else { nil } }.first
        }

        /// The error, if it has none of a video.
        package var error: EngineError? {
            if case .failure(let error) = outcome { error } else { nil }
        }
    }

    /// Makes one video.
    ///
    /// - Parameters:
    ///   - command: what to make.
    ///   - interruption: what happens to it once `step` denoising steps were reported.
    ///   - step: when that is.
    ///   - witness: told of each report.
    /// - Returns: the outcome and the reports.
    /// - Throws: what the interruption throws, or `EngineFixture.Missing` if the step is not reached.
    package func generate(
        _ command: GenerateCommand,
        interruptedBy interruption: Interruption? = nil,
        atStep step: Int = 1,
        witness: @escaping @Sendable (EngineReport) -> Void = { _ in }
    ) async throws -> Run {
        let runs = try await generate([command], interruptedBy: interruption, atStep: step) { witness($1) }
        return try #require(runs[command.id])
    }

    /// Makes the videos of one pass.
    ///
    /// - Parameters:
    ///   - pass: what to make.
    ///   - interruption: what happens to it once `step` denoising steps of each were reported.
    ///   - step: when that is.
    ///   - witness: told of each report.
    /// - Returns: the outcome and the reports of each.
    /// - Throws: what the interruption throws, or `EngineFixture.Missing` if the step is not reached.
    package func generate(
        _ pass: [GenerateCommand],
        interruptedBy interruption: Interruption? = nil,
        atStep step: Int = 1,
        witness: @escaping @Sendable (String, EngineReport) -> Void = { _, _ in }
    ) async throws -> [String: Run] {
        let reports = Noted<[String: [EngineReport]]>([:])
        let ends = Noted<[String: [Result<EngineVideo, EngineError>]]>([:])
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                await engine.generate(pass) { id, report in
                    reports.change { $0[id, default: []].append(report) }
                    witness(id, report)
                } ended: { id, outcome in
                    ends.change { $0[id, default: []].append(outcome) }
                }
            }
            if let interruption {
                try await EngineFixture.wait(for: "step \(step)") {
                    pass.allSatisfy { command in
                        reports.value[command.id]?.contains { $0.isStep(atLeast: step) } ?? false
                    }
                }
                switch interruption {
                case .cancel: group.cancelAll()
                case .yield: pass.first.map { engine.yield(id: $0.id) }
                case .action(let action): try await action()
                }
            }
            try await group.waitForAll()
        }
        return try ends.value.mapValues { outcomes in
            try #require(outcomes.count == 1, "it ended more than once")
            return try #require(outcomes.first)
        }.reduce(into: [:]) { runs, end in
            runs[end.key] = Run(outcome: end.value, reports: reports.value[end.key] ?? [])
        }
    }

    /// A small command for the first of the engine's models.
    ///
    /// - Parameters:
    ///   - prompt: what to make.
    ///   - steps: denoising steps.
    /// - Returns: the command, with an output in the directory of this world.
    /// - Throws: if the engine is not up.
    package func command(_ prompt: String = "a cat playing on the grass", steps: Int = 4) throws -> GenerateCommand {
        let model = try #require(engine.state.description?.models.first)
        return EngineFixture.command(prompt, model: model.name, in: directory, steps: steps)
    }

    /// Checks that a plain command makes a video: the engine is as good as new.
    package func expectUsable() async throws {
        try await waitUntilReady()
        let command = try command(steps: 2)
        let video = try await generate(command).outcome.get()
        #expect(video.file == command.output && FileManager.default.fileExists(atPath: command.output))
    }

    /// Checks that a generation without a video left nothing behind.
    package func expectNothing(of command: GenerateCommand) {
        for path in [command.output, command.output + ".part"] {
            #expect(!FileManager.default.fileExists(atPath: path), "\(path)")
        }
    }
}

extension EngineReport {
    fileprivate func isStep(atLeast step: Int) -> Bool {
        if case .progress(let progress) = self { progress.stage == .denoise && progress.step >= step } else { false }
    }
}

/// Something that one task notes and another reads.
final class Noted<Value: Sendable>: Sendable {
    private let noted: Mutex<Value>

    init(_ value: Value) {
        noted = Mutex(value)
    }

    var value: Value {
        noted.withLock { $0 }
    }

    func change(_ body: (inout Value) -> Void) {
        noted.withLock { body(&$0) }
    }
}

extension Noted where Value: RangeReplaceableCollection, Value.Element: Sendable {
    func append(_ element: Value.Element) {
        change { $0.append(element) }
    }
}
