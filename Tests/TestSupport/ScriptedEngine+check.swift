import Engine
import Foundation

extension EngineDescription {
    /// The last check of a request, which every engine makes itself.
    ///
    /// - Parameters:
    ///   - command: what is asked for.
    ///   - pass: all that is asked for together.
    /// - Throws: why it can never work.
    func check(_ command: GenerateCommand, in pass: [GenerateCommand]) throws(EngineError) {
        guard let model = model(named: command.model), pass.count <= model.maxBatch, Self.belongTogether(pass),
            model.fits(command), !FileManager.default.fileExists(atPath: command.output)
        else { throw .rejectedInput(code: "invalid_request", message: "The request is out of range.") }
        let known = Set(loras.map(\.name))
        guard command.loras.allSatisfy({ known.contains($0.name) }) else {
            throw .rejectedInput(code: "lora_unknown", message: "There is no such LoRA.")
        }
        guard command.inputs.values.allSatisfy(FileManager.default.fileExists) else {
            throw .rejectedInput(code: "media_unreadable", message: "An input is not there.")
        }
    }

    /// Whether all that shapes the work is the same, and nothing that tells generations apart.
    private static func belongTogether(_ pass: [GenerateCommand]) -> Bool {
        guard let leader = pass.first, pass.count > 1 else { return true }
        return Set(pass.map(\.id)).count == pass.count
            && pass.allSatisfy { command in
                var same = command
                same.id = leader.id
                same.prompt = leader.prompt
                same.negativePrompt = leader.negativePrompt
                same.seed = leader.seed
                same.output = leader.output
                same.metadata = leader.metadata
                same.checkpoint = leader.checkpoint
                same.preview = leader.preview
                return same == leader && command.inputs.isEmpty
            }
    }
}

extension EngineModel {
    /// Whether a command is within the limits.
    fileprivate func fits(_ command: GenerateCommand) -> Bool {
        command.width.isMultiple(of: limits.sizeMultiple) && command.height.isMultiple(of: limits.sizeMultiple)
            && (limits.minWidth...limits.maxWidth).contains(command.width)
            && (limits.minHeight...limits.maxHeight).contains(command.height)
            && (limits.minFrames...limits.maxFrames).contains(command.numFrames)
            && (command.numFrames - 1).isMultiple(of: limits.frameStep)
            && (limits.minSteps...limits.maxSteps).contains(command.numInferenceSteps)
            && (limits.minGuidance...limits.maxGuidance).contains(command.guidanceScale)
            && (limits.minFps...limits.maxFps).contains(command.fps)
            && command.prompt.unicodeScalars.count <= limits.maxPromptCharacters
            && (0.05...1).contains(command.strength ?? 1) && stepCache.contains(command.stepCache)
            && memoryModes.contains(command.memoryMode) && command.inputs.keys.allSatisfy(inputs.contains)
    }
}
