import Tasks

/// Decides what to try after there was no room on a device, and says what is published to fit.
///
/// Pure.
struct MemoryPolicy: Sendable {
    /// What comes after an attempt that had no room.
    enum Next: Sendable, Equatable {
        /// The same again, held more sparingly.
        case mode(MemoryMode)
        /// Something smaller, in the same mode.
        case shape(VideoShape)
        /// Nothing that is left to try would fit; the text says what would.
        case giveUp(String)
    }

    /// How often a video may be made smaller before its request fails.
    static let maximumReductions = 4

    let model: ModelDescription
    /// Of the device.
    let memoryBytes: Int64

    /// The fastest mode that is known to fit; `nil` if none is.
    func knownMode(for shape: VideoShape) -> MemoryMode? {
        model.memoryModes.first { isKnownToFit(shape, in: $0) }
    }

    /// What to try after there was no room.
    ///
    /// - Parameters:
    ///   - mode: that of the attempt.
    ///   - shape: what it was to make.
    ///   - request: what was asked for.
    /// - Returns: the next attempt, if there is to be one.
    func next(after mode: MemoryMode, _ shape: VideoShape, for request: VideoRequest) -> Next {
        if let lower = model.memoryModes.first(where: { $0 > mode }) { return .mode(lower) }
        guard let floor = request.degradation, let smaller = reduced(shape, below: request.shape, above: floor) else {
            return .giveUp(advice(on: shape))
        }
        return .shape(smaller)
    }

    private func isKnownToFit(_ shape: VideoShape, in mode: MemoryMode) -> Bool {
        model.memoryTable.contains { fit in
            fit.mode == mode && memoryBytes >= fit.minMemoryBytes && shape.fits(into: fit.shape)
        }
    }

    /// The largest shape that is known to fit here, in any mode.
    private var largestFit: VideoShape? {
        model.memoryTable
            .filter { memoryBytes >= $0.minMemoryBytes && model.memoryModes.contains($0.mode) }
            .map(\.shape)
            .max { $0.pixels < $1.pixels }
    }

    /// The next smaller shape: fewer frames while there are many, then a smaller size; `nil` at the model's least and
    /// at the request's.
    private func reduced(_ shape: VideoShape, below asked: VideoShape, above floor: DegradationFloor) -> VideoShape? {
        // Each reduction leaves about half or less.
        guard asked.pixels >> Self.maximumReductions < shape.pixels else { return nil }
        let limits = model.limits
        var smaller = shape
        let step = limits.frameStep
        let frames = (shape.numFrames - 1) / 2 / step * step + 1
        if frames > 2 * step, limits.frames.contains(frames), frames >= floor.minFrames ?? 0 {
            smaller.numFrames = frames
            return smaller
        }
        // By a factor of 0.7 a side, half the pixels.
        func side(_ value: Int) -> Int { value * 7 / 10 / limits.sizeMultiple * limits.sizeMultiple }
        smaller.width = side(shape.width)
        smaller.height = side(shape.height)
        guard limits.width.contains(smaller.width), limits.height.contains(smaller.height),
            smaller.height >= floor.minHeight ?? 0
        else { return nil }
        return smaller
    }

    private func advice(on shape: VideoShape) -> String {
        let asked = "There is no room on the device for \(shape.text), in any memory mode."
        if let largestFit, largestFit.pixels < shape.pixels {
            return "\(asked) \(largestFit.text) is known to fit here."
        }
        return "\(asked) Ask for fewer frames or a smaller size, or allow it with degrade."
    }
}

extension VideoShape {
    /// Whether this needs no more memory than another shape.
    func fits(into other: VideoShape) -> Bool {
        width * height <= other.width * other.height && numFrames <= other.numFrames
    }

    /// For people.
    var text: String { "\(width)x\(height) with \(numFrames) frames" }
}
