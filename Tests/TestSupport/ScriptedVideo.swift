import Engine
import Foundation

/// What a scripted engine goes on from: the step, and what it is a step of.
enum ScriptedCheckpoint {
    static func text(of command: GenerateCommand, step: Int) -> String {
        "\(step) \(ScriptedVideo.identity(command))"
    }

    /// The step in a file, if that belongs to a command.
    static func step(in file: String, of command: GenerateCommand) -> Int? {
        guard let text = try? String(contentsOfFile: file, encoding: .utf8),
            let step = text.split(separator: " ", maxSplits: 1).first.flatMap({ Int($0) }),
            text == self.text(of: command, step: step), (0...command.numInferenceSteps).contains(step)
        else { return nil }
        return step
    }
}

/// What a scripted engine writes.
enum ScriptedVideo {
    /// All that shapes the video.
    static func identity(_ command: GenerateCommand) -> String {
        let inputs = command.inputs.map { name, file in
            let content = try? Data(contentsOf: URL(filePath: file))
            return "\(name.rawValue)=\(content?.base64EncodedString() ?? "")"
        }
        return """
            \(command.prompt) \(command.seed) \(command.model) \(command.negativePrompt) \(command.width) \(command.height) \
            \(command.numFrames) \(command.numInferenceSteps) \(command.guidanceScale) \(command.fps) \
            \(command.strength ?? 1) \(command.stepCache) \(command.loras) \(inputs.sorted())
            """
    }

    static func write(_ command: GenerateCommand, resumedStep: Int) throws(EngineError) -> EngineVideo {
        // The head of an MP4, then a box that players skip and that differs from command to command.
        let head: [UInt8] = [0, 0, 0, 16] + Array("ftypisom".utf8) + [0, 0, 2, 0]
        let mark = Array(identity(command).utf8)
        let length = withUnsafeBytes(of: UInt32(8 + mark.count).bigEndian, Array.init)
        let data = Data(head + length + Array("free".utf8) + mark)
        do {
            try data.write(to: URL(filePath: command.output), options: .withoutOverwriting)
        } catch {
            throw .storage(code: "write_failed", message: "\(error)")
        }
        return EngineVideo(
            file: command.output,
            bytes: Int64(data.count),
            width: command.width,
            height: command.height,
            renderedWidth: command.width,
            renderedHeight: command.height,
            numFrames: command.numFrames,
            fps: command.fps,
            memoryMode: command.memoryMode,
            resumedStep: resumedStep,
            seconds: [.denoise: 0.25],
            peakBytes: command.prompt.split(separator: " ").first { $0.hasPrefix("@peak=") }
                .flatMap { Int64($0.dropFirst(6)) }
        )
    }
}
