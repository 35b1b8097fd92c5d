/// What an engine says of itself in `hello`.
package struct EngineDescription: Sendable, Equatable {
    /// Rises whenever the engine makes other pixels from the same input.
    package var engineVersion: String
    /// Of the device; of the smaller of two.
    package var memoryBytes: Int64
    /// What it can be asked for: at least one, no two of one name.
    package var models: [EngineModel]
    package var loras: [EngineLoRA]

    package init(engineVersion: String, memoryBytes: Int64, models: [EngineModel], loras: [EngineLoRA] = []) {
        self.engineVersion = engineVersion
        self.memoryBytes = memoryBytes
        self.models = models
        self.loras = loras
    }

    /// The model of a name.
    package func model(named name: String) -> EngineModel? {
        models.first { $0.name == name }
    }

    /// Whether nothing in it contradicts itself, so that whoever uses it cannot trap.
    ///
    /// An engine whose description is not sound is a broken peer.
    package var isSound: Bool {
        (1...16).contains(models.count) && models.allSatisfy(\.isSound) && Set(models.map(\.name)).count == models.count
            && memoryBytes >= 0 && loras.allSatisfy(\.isSound) && Set(loras.map(\.name)).count == loras.count
    }
}

/// A LoRA file that an engine has found.
package struct EngineLoRA: Sendable, Equatable, Codable {
    package var name: String
    /// SHA-256 of the file, hexadecimal.
    package var fingerprint: String
    package var bytes: Int64

    package init(name: String, fingerprint: String, bytes: Int64) {
        self.name = name
        self.fingerprint = fingerprint
        self.bytes = bytes
    }

    var isSound: Bool {
        !name.isEmpty && fingerprint.utf8.count == 64 && bytes >= 0
    }
}

/// What a picture or a video is to a generation, in the words of the wire.
package enum EngineInput: String, Sendable, CaseIterable, Codable {
    case startImage = "start_image"
    case endImage = "end_image"
    case video
    case controlVideo = "control_video"
    case refImage = "ref_image"
}

/// How a model is held in memory, in the words of the wire; the fastest first.
package enum EngineMemoryMode: String, Sendable, CaseIterable, Codable {
    case full
    case modelOffload = "model_offload"
    case modelOffload8Bit = "model_offload_8bit"
    case sequentialOffload = "sequential_offload"
}
