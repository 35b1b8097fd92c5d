import Foundation

/// Collects what is wrong with a draft, field by field.
///
/// Each check returns the value, usable only if none failed.
struct RequestCheck {
    let limits: ModelLimits
    private(set) var violations: [Violation]
    private let judgedFields: Set<String>

    init(limits: ModelLimits, violations: [Violation]) {
        self.limits = limits
        self.violations = violations
        judgedFields = Set(violations.map(\.field))
    }

    mutating func reject(_ field: String, _ code: Violation.Code, _ message: String) {
        guard !judgedFields.contains(field) else { return }
        violations.append(Violation(field: field, code: code, message: message))
    }

    /// Whether something was found wrong with a field, here or before.
    func isRejected(_ field: String) -> Bool {
        violations.contains { $0.field == field }
    }

    /// Trims white space and normalises to NFC, as the tokenizer would, so that one text has one spelling.
    mutating func prompt(_ text: String?, field: String, isRequired: Bool) -> String {
        guard let text else {
            if isRequired { reject(field, .required, "\(field) is required.") }
            return ""
        }
        let trimmed = Self.normalised(text)
        if isRequired, trimmed.isEmpty {
            reject(field, .empty, "\(field) must not be empty.")
        }
        let count = trimmed.unicodeScalars.count
        if count > limits.maxPromptCharacters {
            reject(
                field,
                .tooLong,
                "\(field) must have at most \(limits.maxPromptCharacters) characters; it has \(count)."
            )
        }
        if trimmed.unicodeScalars.contains(where: { $0.isForbidden }) {
            reject(field, .notText, "\(field) must not contain control characters.")
        }
        return trimmed
    }

    /// One spelling of a text: no white space at the ends, NFC.
    private static func normalised(_ text: String) -> String {
        let scalars = text.unicodeScalars
        guard let first = scalars.firstIndex(where: { !$0.properties.isWhitespace }),
            let last = scalars.lastIndex(where: { !$0.properties.isWhitespace })
        else { return "" }
        let trimmed = scalars[first...last]
        // Most prompts are in NFC as they stand, which is cheap to see and dear to compute.
        if trimmed.allSatisfy(\.isAlwaysInNFC) { return String(trimmed) }
        return String(trimmed).precomposedStringWithCanonicalMapping
    }

    mutating func side(_ value: Int, field: String, range: ClosedRange<Int>) -> Int {
        let multiple = limits.sizeMultiple
        if !range.contains(value) {
            reject(field, .outOfRange, outOfRange(field, range, value))
        } else if !value.isMultiple(of: multiple) {
            let below = max(range.lowerBound, value - value % multiple)
            let above = min(range.upperBound, below + multiple)
            reject(
                field,
                .notAMultiple,
                "\(field) must be a multiple of \(multiple); it is \(value). Nearest: \(below) or \(above)."
            )
        }
        return value
    }

    mutating func pixels(width: Int, height: Int) {
        // The product says nothing of a side that stands in for one that could not be read.
        guard limits.width.contains(width), limits.height.contains(height), !judgedFields.contains("height")
        else { return }
        if width * height > limits.maxPixels {
            reject(
                "width",
                .tooManyPixels,
                "width × height must be at most \(limits.maxPixels); it is \(width * height)."
            )
        }
    }

    /// The number of frames: what was asked for, or as many as is usual and as a given video has.
    mutating func frames(_ asked: Int?, otherwise usual: Int, at fps: Int, of inputs: [InputRole: Media]) -> Int {
        let range = limits.frames
        let step = limits.frameStep
        let given = longEnough(shortestVideo(of: inputs, at: fps), at: fps)
        let most = given.map { $0.frames - ($0.frames - 1) % step } ?? .max
        let value = asked ?? min(usual, most)
        if !range.contains(value) {
            reject("num_frames", .outOfRange, outOfRange("num_frames", range, value))
        } else if let given, value > given.frames {
            let reason = "\(given.role.rawValue) has \(given.frames) frames at \(fps) fps"
            reject("num_frames", .outOfRange, "num_frames must be at most \(most): \(reason); it is \(value).")
        } else if (value - 1) % step != 0 {
            let below = value - (value - 1) % step
            let above = min(range.upperBound, below + step)
            reject(
                "num_frames",
                .wrongFrameCount,
                "num_frames must be \(step)k+1; it is \(value). Nearest: \(below) or \(above)."
            )
        }
        return value
    }

    /// A given video, if something can be made of it.
    private mutating func longEnough(_ given: GivenVideo?, at fps: Int) -> GivenVideo? {
        guard let given else { return nil }
        let step = limits.frameStep
        let least = (limits.frames.lowerBound + step - 2) / step * step + 1
        if given.frames >= least { return given }
        let name = given.role.rawValue
        let found = "it has \(given.frames) frames at \(fps) fps"
        reject(name, .unusableMedia, "\(name) is too short: \(found); there must be at least \(least).")
        return nil
    }

    /// The one of the given videos that has the fewest frames at a rate; `nil` if that cannot be said.
    private func shortestVideo(of inputs: [InputRole: Media], at fps: Int) -> GivenVideo? {
        // Of a rate that is wrong nothing follows for the frames.
        guard limits.fps.contains(fps), !judgedFields.contains("fps") else { return nil }
        return InputRole.allCases
            .compactMap { role in
                guard role.kind == .video, let media = inputs[role], media.kind == .video else { return nil }
                return GivenVideo(role: role, frames: media.frames(at: fps))
            }
            .min { $0.frames < $1.frames }
    }

    private struct GivenVideo {
        var role: InputRole
        /// At the rate of the request.
        var frames: Int
    }

    mutating func range<Value: Comparable>(_ value: Value, field: String, range: ClosedRange<Value>) -> Value {
        if !range.contains(value) {
            reject(field, .outOfRange, outOfRange(field, range, value))
        }
        return value
    }

    private func outOfRange<Value>(_ field: String, _ range: ClosedRange<Value>, _ value: Value) -> String {
        "\(field) must be from \(range.lowerBound) to \(range.upperBound); it is \(value)."
    }

    mutating func seed(_ value: Int?) -> UInt32? {
        guard let value else { return nil }
        guard let seed = UInt32(exactly: value) else {
            reject("seed", .outOfRange, "seed must be from 0 to \(UInt32.max); it is \(value).")
            return nil
        }
        return seed
    }
}

extension Unicode.Scalar {
    /// Whether NFC leaves this scalar alone whatever stands beside it.
    ///
    /// Blocks without any other kind in Unicode's `DerivedNormalizationProps.txt`, property `NFC_Quick_Check`: Latin,
    /// CJK punctuation, CJK ideographs, full-width forms. `false` says nothing.
    fileprivate var isAlwaysInNFC: Bool {
        switch value {
        case 0..<0x300, 0x3000...0x3029, 0x3400...0x9FFF, 0xFF00...0xFFEF: true
        default: false
        }
    }

    /// Control characters other than line breaks and tabs.
    fileprivate var isForbidden: Bool {
        properties.generalCategory == .control && self != "\n" && self != "\r" && self != "\t"
    }
}
