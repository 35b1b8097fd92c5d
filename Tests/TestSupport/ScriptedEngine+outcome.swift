package import Engine

extension ScriptedEngine.Outcome {
    /// What the timed engine would do with this command; plain prompts succeed.
    package init(playing command: GenerateCommand) {
        let words = command.prompt.split(separator: " ").filter { $0.hasPrefix("@") }
        func value(of word: String) -> Substring? {
            words.first { $0.hasPrefix("\(word)=") }?.dropFirst(word.count + 1)
        }
        let pause = value(of: "@step").flatMap { Double($0) } ?? 0
        let write = value(of: "@write").flatMap { Double($0) } ?? 0
        self =
            switch words.first(where: { word in !["@step=", "@write=", "@peak="].contains { word.hasPrefix($0) } }) {
            case "@crash": .failure(.crashed(message: "played"))
            case "@garbage", "@oversize": .failure(.crashed(message: "played a broken frame"))
            case "@hang", "@hang-hard": .hang
            case "@invalid": .failure(.rejectedInput(code: "invalid_request", message: "played"))
            case "@disk-full": .failure(.storage(code: "disk_full", message: "played"))
            case "@write-full": .failure(.storage(code: "disk_full", message: "played"), in: .write)
            case "@crash-write": .failure(.crashed(message: "played"), in: .write)
            case "@internal": .failure(.failed(code: "internal", message: "played"))
            case let word? where word.hasPrefix("@oom"):
                Self.outOfMemory(
                    in: value(of: "@oom-stage").flatMap { EngineProgress.Stage(rawValue: String($0)) } ?? .denoise,
                    modes: value(of: "@oom").map { $0.split(separator: ",").map(String.init) },
                    isLeaking: words.contains("@oom-leak"),
                    command
                )
            default: .success(pause: .seconds(pause), write: .seconds(write))
            }
    }

    private static func outOfMemory(
        in stage: EngineProgress.Stage,
        modes: [String]?,
        isLeaking: Bool,
        _ command: GenerateCommand
    ) -> Self {
        guard modes?.contains(command.memoryMode.rawValue) ?? true else { return .success() }
        var fault = EngineMemoryFault.played
        fault.stage = stage
        if isLeaking {
            fault.freeBytesAfter = fault.freeBytesBefore.map { $0 - $0 / 10 }
        }
        return .failure(.outOfMemory(fault), in: stage)
    }
}

extension EngineMemoryFault {
    /// In the middle of denoising; all memory came back.
    package static let played = EngineMemoryFault(
        message: "played",
        stage: .denoise,
        freeBytesBefore: 1_000_000_000,
        freeBytesAfter: 1_000_000_000
    )
}
