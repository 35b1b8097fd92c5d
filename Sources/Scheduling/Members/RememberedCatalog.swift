import Engine
import Foundation
import Tasks

/// The models that some process has had lately, kept by the deployment: a request for one of them is accepted also while
/// no worker is there.
struct RememberedCatalog: Codable, Sendable, Equatable {
    static let currentFormat = 1
    static let topic = "fleet.catalog"
    /// How long a model is remembered after a worker had it.
    static let memory: Duration = .seconds(7 * 86_400)
    /// How often what is there is said again.
    static let refresh: Duration = .seconds(3_600)
    /// Models and LoRAs, at most.
    private static let limit = 256

    struct Model: Codable, Sendable, Equatable {
        var engineVersion: String
        var memoryBytes: Int64
        var model: Readable<EngineModel>
        /// Milliseconds since 1970.
        var seen: Int64
    }

    struct LoRA: Codable, Sendable, Equatable {
        var lora: Readable<EngineLoRA>
        /// Milliseconds since 1970.
        var seen: Int64
    }

    var format = Self.currentFormat
    /// In the order in which requests that name none are offered them.
    var models: [Model] = []
    var loras: [LoRA] = []
    /// The make of device that costs are told for.
    var reference: String?

    /// `nil` for what is damaged or of another format.
    init?(reading bytes: [UInt8]) {
        guard let read = try? JSONDecoder().decode(Self.self, from: Data(bytes)), read.format == Self.currentFormat,
            read.models.count <= Self.limit, read.loras.count <= Self.limit
        else { return nil }
        self = read
    }

    init() {}

    func encoded() throws -> [UInt8] {
        Array(try JSONEncoder().encode(self))
    }

    /// With what engines have now, and without what nobody has had for too long.
    ///
    /// - Parameters:
    ///   - descriptions: of all engines that are there, in an order that every process agrees on: of two models of one
    ///     name the first counts.
    ///   - now: wall time.
    /// - Returns: `nil` if that says nothing new.
    func renewed(by descriptions: [EngineDescription], at now: Timestamp) -> RememberedCatalog? {
        var next = self
        let (moment, oldest) = (now.milliseconds, Self.oldest(at: now))
        let stale = now.advanced(by: .zero - Self.refresh).milliseconds
        var isNew = false
        var named: Set<String> = []
        for description in descriptions {
            for model in description.models where named.insert(model.name).inserted {
                let entry = Model(
                    engineVersion: description.engineVersion,
                    memoryBytes: description.memoryBytes,
                    model: Readable(value: model),
                    seen: moment
                )
                guard let index = next.models.firstIndex(where: { $0.model.value?.name == model.name }) else {
                    next.models.append(entry)
                    isNew = true
                    continue
                }
                let known = next.models[index]
                if known.seen < stale || known.model != entry.model || known.engineVersion != entry.engineVersion {
                    next.models[index] = entry
                    isNew = true
                }
            }
        }
        named = []
        for lora in descriptions.flatMap(\.loras) where named.insert(lora.name).inserted {
            let entry = LoRA(lora: Readable(value: lora), seen: moment)
            guard let index = next.loras.firstIndex(where: { $0.lora.value?.name == lora.name }) else {
                next.loras.append(entry)
                isNew = true
                continue
            }
            if next.loras[index].seen < stale || next.loras[index].lora != entry.lora {
                next.loras[index] = entry
                isNew = true
            }
        }
        // Where nobody is there to say anything, what is too old is passed over when it is read.
        guard isNew else { return nil }
        next.models = next.models.filter { $0.seen >= oldest }.suffix(Self.limit)
        next.loras = next.loras.filter { $0.seen >= oldest }.suffix(Self.limit)
        return next
    }

    /// Each model as if an engine had it alone, in order; those that nobody has had for too long are left out.
    func descriptions(at now: Timestamp) -> [EngineDescription] {
        let oldest = Self.oldest(at: now)
        let loras = loras.filter { $0.seen >= oldest }.compactMap(\.lora.value)
        return models.compactMap { entry in
            guard entry.seen >= oldest, let model = entry.model.value else { return nil }
            let description = EngineDescription(
                engineVersion: entry.engineVersion,
                memoryBytes: entry.memoryBytes,
                models: [model],
                loras: loras
            )
            return description.isSound ? description : nil
        }
    }

    private static func oldest(at now: Timestamp) -> Int64 {
        now.advanced(by: .zero - memory).milliseconds
    }
}
