import Tasks

/// The length of a video as the OpenAI API has it: seconds, as a text or a number.
enum OpenAIDuration {
    /// Reads the field.
    ///
    /// - Parameters:
    ///   - value: `8`, `8.5` or `"8"`.
    ///   - field: its name.
    /// - Returns: more than 0.
    /// - Throws: what is wrong with it.
    static func seconds(_ value: JSONValue, _ field: String) throws(FieldFault) -> Double {
        let seconds: Double
        if case .string(let text) = value {
            guard let number = number(text) else {
                throw FieldFault(.wrongType, "\(field) must be a number of seconds, as in \"8\".")
            }
            seconds = number
        } else {
            seconds = try value.number(field)
        }
        guard seconds > 0 else { throw FieldFault(.outOfRange, "\(field) must be more than 0.") }
        return seconds
    }

    /// The number of frames that a model makes which comes nearest to so many seconds.
    ///
    /// - Parameters:
    ///   - seconds: more than 0.
    ///   - fps: of the request, or the model's own.
    ///   - limits: the model's.
    ///   - field: the name of the field.
    /// - Returns: never more than the model makes, and never less.
    /// - Throws: if that is more than the model makes; names the most.
    static func frames(
        _ seconds: Double,
        at fps: Int,
        within limits: ModelLimits,
        _ field: String
    ) throws(FieldFault) -> Int {
        // Of a rate that is wrong itself nothing follows.
        let rate = Double(min(max(fps, limits.fps.lowerBound), limits.fps.upperBound))
        let step = limits.frameStep
        let most = limits.frames.upperBound - (limits.frames.upperBound - 1) % step
        guard seconds * rate <= Double(most) else {
            throw FieldFault(
                .outOfRange,
                "\(field) must be at most \(text(frames: most, at: Int(rate))), which are \(most) frames at "
                    + "\(Int(rate)) fps; it is \(seconds.plain)."
            )
        }
        let least = (limits.frames.lowerBound + step - 2) / step * step + 1
        let nearest = Int(((seconds * rate - 1) / Double(step)).rounded()) * step + 1
        return min(max(nearest, least), most)
    }

    /// How long so many frames last, to the millisecond: `6.125`, `4`.
    static func text(frames: Int, at fps: Int) -> String {
        (Double(frames) / Double(max(1, fps))).plain
    }

    /// Digits, perhaps with a point between them.
    private static func number(_ text: String) -> Double? {
        let isPlain = text.utf8.allSatisfy { (48...57).contains($0) || $0 == UInt8(ascii: ".") }
        guard isPlain, text.utf8.count <= 16, text.utf8.first != UInt8(ascii: "."), text.utf8.last != UInt8(ascii: ".")
        else { return nil }
        return Double(text)
    }
}

extension Double {
    /// To three places, without zeros at the end.
    fileprivate var plain: String {
        guard abs(self) < 1e12 else { return description }
        let rounded = (self * 1000).rounded() / 1000
        return rounded == rounded.rounded() ? String(Int(rounded)) : rounded.description
    }
}
