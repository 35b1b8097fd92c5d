/// One thing that is wrong with a request.
package struct Violation: Sendable, Equatable {
    /// The field, as the client spells it.
    package var field: String
    /// Stable, snake_case.
    package var code: Code
    /// For people: names the field, the limit and what was given.
    package var message: String

    package init(field: String, code: Code, message: String) {
        self.field = field
        self.code = code
        self.message = message
    }

    package enum Code: String, Sendable, CaseIterable {
        case unknownField = "unknown_field"
        case required
        case wrongType = "wrong_type"
        case empty
        case tooLong = "too_long"
        case outOfRange = "out_of_range"
        case notAMultiple = "not_a_multiple"
        case wrongFrameCount = "wrong_frame_count"
        case tooManyPixels = "too_many_pixels"
        case notText = "not_text"
        case notAllowed = "not_allowed"
        /// An uploaded file that is not there, or cannot be used.
        case unusableMedia = "unusable_media"
    }
}

/// A request that will never be accepted as it stands, with everything that is wrong with it.
package struct RequestRejection: Error, Sendable, Equatable {
    package var violations: [Violation]

    package init(violations: [Violation]) {
        self.violations = violations
    }
}
