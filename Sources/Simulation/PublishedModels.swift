package import Scheduling
package import Tasks

/// EasyAnimate V5.1 as it is published: what a simulation can ask for.
package enum PublishedModels {
    package static let large = facts(
        "easyanimate-12b",
        weightBytes: 39_000_000_000,
        cells: [forty: "MMMMMM", twentyFour: "QQQQQx", sixteen: "QSSSxx"]
    )
    package static let small = facts(
        "easyanimate-7b",
        weightBytes: 30_000_000_000,
        cells: [forty: "MMMMMM", twentyFour: "MMMQQx", sixteen: "QQSSxx"]
    )
    package static let all = [large, small]

    /// All of them by name, held as the operator wants.
    static func byName(wanted: MemoryMode?) -> [String: ModelFacts] {
        let facts = all.map { model in
            ModelFacts(
                name: model.name,
                family: model.family,
                weightBytes: model.weightBytes,
                memoryModes: model.memoryModes,
                memoryTable: model.memoryTable,
                wanted: wanted
            )
        }
        return Dictionary(uniqueKeysWithValues: facts.map { ($0.name, $0) })
    }

    /// What they can make: `Limits` in `engine/animato_engine/description.py`.
    package static let limits = ModelLimits(
        width: 256...1344,
        height: 256...1344,
        sizeMultiple: 16,
        maxPixels: 1_048_576,
        frames: 1...49,
        frameStep: 4,
        steps: 1...100,
        guidance: 1...20,
        fps: 1...60,
        maxPromptCharacters: 2000
    )

    // What cards that are sold as of 16, 24 and 40 GB have at least, after error correction and the driver.
    private static let sixteen: Int64 = 15_500_000_000
    private static let twentyFour: Int64 = 23_500_000_000
    private static let forty: Int64 = 40_000_000_000
    /// What the largest shape takes beside weights, as `easyanimate.py` estimates it.
    private static let workingBytes: Int64 = 16_000_000_000

    private static let shapes = [
        VideoShape(width: 672, height: 384, numFrames: 25), VideoShape(width: 672, height: 384, numFrames: 49),
        VideoShape(width: 1008, height: 576, numFrames: 25), VideoShape(width: 1008, height: 576, numFrames: 49),
        VideoShape(width: 1344, height: 768, numFrames: 25), VideoShape(width: 1344, height: 768, numFrames: 49),
    ]

    /// The facts of one size of the model.
    ///
    /// - Parameters:
    ///   - name: of the model.
    ///   - weightBytes: of its checkpoint on disk, by EasyAnimate's README.
    ///   - cells: the README's memory table as `engine/animato_engine/models/easyanimate.py` has it: for devices of so
    ///     much memory, the mode of each shape.
    /// - Returns: the facts.
    private static func facts(_ name: String, weightBytes: Int64, cells: [Int64: String]) -> ModelFacts {
        let everything = shapes.map { shape in
            MemoryFit(mode: .full, shape: shape, minMemoryBytes: weightBytes + workingBytes)
        }
        let table = cells.sorted { $0.key < $1.key }.flatMap { memory, modes in
            zip(shapes, modes).compactMap { shape, letter in
                mode(letter).map { MemoryFit(mode: $0, shape: shape, minMemoryBytes: memory) }
            }
        }
        return ModelFacts(
            name: name,
            family: "easyanimate",
            weightBytes: weightBytes,
            memoryModes: MemoryMode.allCases,
            memoryTable: everything + table
        )
    }

    private static func mode(_ letter: Character) -> MemoryMode? {
        switch letter {
        case "M": .modelOffload
        case "Q": .modelOffload8Bit
        case "S": .sequentialOffload
        default: nil
        }
    }
}
