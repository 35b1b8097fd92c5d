import Engine
import Tasks

/// What an engine says of itself, on its way to another process.
///
/// A model or LoRA that this version cannot read is left out, as if it were not there.
struct ReportedDescription: Codable, Sendable, Equatable {
    var engineVersion: String
    var memoryBytes: Int64
    var models: [Readable<EngineModel>]
    var loras: [Readable<EngineLoRA>]

    init(_ description: EngineDescription) {
        engineVersion = description.engineVersion
        memoryBytes = description.memoryBytes
        models = description.models.map { Readable(value: $0) }
        loras = description.loras.map { Readable(value: $0) }
    }

    /// `nil` if nothing of it can be used.
    var description: EngineDescription? {
        let description = EngineDescription(
            engineVersion: engineVersion,
            memoryBytes: memoryBytes,
            models: models.compactMap(\.value),
            loras: loras.compactMap(\.value)
        )
        return description.isSound ? description : nil
    }
}

/// Something that is read if it can be.
struct Readable<Value: Codable & Sendable & Equatable>: Codable, Sendable, Equatable {
    var value: Value?

    init(value: Value) {
        self.value = value
    }

    init(from decoder: any Decoder) throws {
        value = try? Value(from: decoder)
    }

    func encode(to encoder: any Encoder) throws {
        try value?.encode(to: encoder)
    }
}
