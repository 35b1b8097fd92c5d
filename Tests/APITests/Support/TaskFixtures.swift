import Foundation
import Tasks
import TestSupport

extension TaskID {
    /// The nth id of a fixed row that rises.
    static func fixture(_ number: Int = 1) -> TaskID {
        let tail = String(format: "%012x", number)
        return TaskID("019300aa-0000-7000-8000-\(tail)") ?? TaskID(uuid: UUID())
    }
}

extension GenerationTask {
    /// A task in a status, with everything that a task of that status has.
    static func fixture(_ number: Int = 1, _ status: TaskStatus = .queued) -> GenerationTask {
        let created = Timestamp(milliseconds: 1_795_406_400_000 + Int64(number))
        let hasStarted = status != .queued
        var draft = VideoRequest.Draft()
        draft.prompt = "一只猫在草地上玩耍 \"cat\" \\ 🐈"
        draft.negativePrompt = "低质量,模糊"
        draft.width = 768
        draft.height = 448
        guard let request = try? VideoRequest(draft, for: .fixture) else {
            preconditionFailure("The request of the fixture is not valid")
        }
        return GenerationTask(
            id: .fixture(number),
            tenant: .standard,
            status: status,
            isCached: false,
            createdAt: created,
            finishedAt: status.isTerminal ? created.advanced(by: .seconds(42)) : nil,
            generation: Generation(
                id: GenerationID(rawValue: Int64(number)),
                key: GenerationKey(rawValue: "key"),
                request: request,
                seed: 4_294_967_295,
                model: "EasyAnimateV5.1-tiny",
                status: status,
                priority: 0,
                attempts: hasStarted ? 1 : 0,
                failures: 0,
                progress: hasStarted ? GenerationProgress(stage: .denoise, step: 12, totalSteps: 50) : nil,
                result: status == .succeeded ? .fixture : nil,
                failure: status == .failed ? TaskFailure(code: "out_of_memory", message: "Ask for less.") : nil,
                createdAt: created,
                startedAt: hasStarted ? created.advanced(by: .milliseconds(1500)) : nil
            )
        )
    }
}
