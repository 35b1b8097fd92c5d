/// How far a request may be reduced.
extension RequestCheck {
    /// What is asked for, as floors are measured against it.
    struct Extent {
        var steps: Int
        var frames: Int
        var height: Int
    }

    /// The floors of a draft; `nil` if nothing of it may be reduced.
    ///
    /// A floor need not be a length or a height that the model makes: the least above it is what counts.
    mutating func degradation(_ draft: VideoRequest.Draft, of asked: Extent) -> DegradationFloor? {
        let isAllowed = degrade(draft.degrade)
        let floors: [Floor] = [
            Floor(
                field: "min_steps", value: draft.minSteps, range: limits.steps, asked: asked.steps,
                askedField: "num_inference_steps"),
            Floor(
                field: "min_frames", value: draft.minFrames, range: limits.frames, asked: asked.frames,
                askedField: "num_frames"),
            Floor(
                field: "min_height", value: draft.minHeight, range: limits.height, asked: asked.height,
                askedField: "height"),
        ]
        for floor in floors { judge(floor, isAllowed: isAllowed) }
        guard isAllowed else { return nil }
        return DegradationFloor(minSteps: draft.minSteps, minFrames: draft.minFrames, minHeight: draft.minHeight)
    }

    private struct Floor {
        var field: String
        var value: Int?
        var range: ClosedRange<Int>
        var asked: Int
        var askedField: String
    }

    /// Whether it says `allow`.
    private mutating func degrade(_ word: String?) -> Bool {
        guard let word else { return false }
        if let degrade = Degrade(rawValue: word) { return degrade == .allow }
        let words = Degrade.allCases.map(\.rawValue).joined(separator: ", ")
        reject("degrade", .notAllowed, "degrade must be one of \(words).")
        return false
    }

    private mutating func judge(_ floor: Floor, isAllowed: Bool) {
        guard let value = floor.value else { return }
        if !isAllowed {
            // Of a word that could not be read nothing follows for the floors.
            guard !isRejected("degrade") else { return }
            reject(floor.field, .notAllowed, "\(floor.field) means nothing without \"degrade\": \"allow\".")
        } else if !floor.range.contains(value) {
            _ = range(value, field: floor.field, range: floor.range)
        } else if value > floor.asked, !isRejected(floor.askedField) {
            reject(
                floor.field, .outOfRange,
                "\(floor.field) must be at most \(floor.askedField), which is \(floor.asked); it is \(value).")
        }
    }
}

/// Whether less than what was asked for is better than to wait, in the words of the API.
package enum Degrade: String, Sendable, CaseIterable {
    case never
    case allow
}
