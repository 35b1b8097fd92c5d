package import Engine
import Tasks

/// Which shapes a device can make with a model, and how the model is then held in its memory.
package struct MemoryOverview: Sendable, Equatable {
    /// One shape.
    package struct Line: Sendable, Equatable {
        package var width: Int
        package var height: Int
        package var numFrames: Int
        /// The fastest mode that is known to fit; `nil` if none is.
        package var mode: String?
    }

    /// By size, then by length; empty if nothing is known of the model.
    package var lines: [Line]

    /// Goes through everything that is known of a model.
    ///
    /// - Parameters:
    ///   - model: what an engine declares.
    ///   - memoryBytes: of the device.
    package init(of model: EngineModel, memoryBytes: Int64) {
        let policy = ModelDescription(model, engineVersion: "").map {
            MemoryPolicy(model: $0, memoryBytes: memoryBytes)
        }
        let shapes = Set(policy?.model.memoryTable.map(\.shape) ?? [])
        lines = shapes.sorted { ($0.width * $0.height, $0.numFrames) < ($1.width * $1.height, $1.numFrames) }.map {
            Line(
                width: $0.width,
                height: $0.height,
                numFrames: $0.numFrames,
                mode: policy?.knownMode(for: $0)?.rawValue
            )
        }
    }
}
