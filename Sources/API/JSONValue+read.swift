import Tasks

/// What is wrong with the value of a field.
struct FieldFault: Error, Equatable {
    let code: Violation.Code
    /// For people; names the field.
    let message: String

    init(_ code: Violation.Code, _ message: String) {
        self.code = code
        self.message = message
    }
}

/// Values as fields want them.
extension JSONValue {
    func text(_ field: String) throws(FieldFault) -> String {
        guard case .string(let text) = self else {
            throw FieldFault(.wrongType, "\(field) must be a string; it is \(kind).")
        }
        return text
    }

    func truth(_ field: String) throws(FieldFault) -> Bool {
        guard case .bool(let value) = self else {
            throw FieldFault(.wrongType, "\(field) must be true or false; it is \(kind).")
        }
        return value
    }

    /// A number without a fraction, however it is spelt: `49`, `49.0` and `4.9e1` are equal in JSON.
    func whole(_ field: String) throws(FieldFault) -> Int {
        switch self {
        case .integer(let integer):
            return integer
        case .number(let number):
            if let integer = Int(exactly: number) { return integer }
            guard number.rounded() != number else { throw FieldFault(.outOfRange, "\(field) is far out of range.") }
            throw FieldFault(.wrongType, "\(field) must be a whole number; it has a fraction.")
        case .string, .bool, .null, .array, .object:
            throw FieldFault(.wrongType, "\(field) must be a whole number; it is \(kind).")
        }
    }

    func number(_ field: String) throws(FieldFault) -> Double {
        switch self {
        case .integer(let integer):
            return Double(integer)
        case .number(let number):
            guard number.isFinite else { throw FieldFault(.outOfRange, "\(field) is far out of range.") }
            return number
        case .string, .bool, .null, .array, .object:
            throw FieldFault(.wrongType, "\(field) must be a number; it is \(kind).")
        }
    }

    /// One of a few words.
    func word<Word: RawRepresentable & CaseIterable>(
        _ field: String,
        _: Word.Type = Word.self
    ) throws(FieldFault) -> Word where Word.RawValue == String {
        guard let word = Word(rawValue: try text(field)) else {
            let known = Word.allCases.map(\.rawValue).joined(separator: ", ")
            throw FieldFault(.notAllowed, "\(field) must be one of \(known).")
        }
        return word
    }

    /// The elements of an array.
    func elements(_ field: String) throws(FieldFault) -> [JSONValue] {
        guard case .array(let elements) = self else {
            throw FieldFault(.wrongType, "\(field) must be an array; it is \(kind).")
        }
        return elements
    }

    /// The kind of value, for people.
    var kind: String {
        switch self {
        case .string: "a string"
        case .integer, .number: "a number"
        case .bool: "true or false"
        case .null: "null"
        case .array: "an array"
        case .object: "an object"
        }
    }
}
