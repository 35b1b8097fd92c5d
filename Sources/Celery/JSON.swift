/// A JSON value that loses nothing on its way through: members keep their order, numbers their digits.
package enum JSON: Sendable, Equatable {
    case null
    case bool(Bool)
    /// The number as it is written.
    case number(String)
    case string(String)
    case array([JSON])
    case object([Member])

    /// A name and its value.
    package struct Member: Sendable, Equatable {
        package var name: String
        package var value: JSON

        package init(_ name: String, _ value: JSON) {
            self.name = name
            self.value = value
        }
    }

    package static func integer(_ value: some BinaryInteger) -> JSON { .number(String(value)) }

    /// A finite number; `null` for any other, which JSON cannot say.
    package static func double(_ value: Double) -> JSON { value.isFinite ? .number("\(value)") : .null }

    /// The text, or `null`.
    package static func optional(_ text: String?) -> JSON { text.map { .string($0) } ?? .null }

    /// The last member of a name; `nil` if this is no object or has none.
    package subscript(name: String) -> JSON? { members?.last { $0.name == name }?.value }

    package var members: [Member]? {
        if case .object(let members) = self { return members }
        return nil
    }

    package var elements: [JSON]? {
        if case .array(let elements) = self { return elements }
        return nil
    }

    package var text: String? {
        if case .string(let text) = self { return text }
        return nil
    }

    package var double: Double? {
        if case .number(let text) = self { return Double(text) }
        return nil
    }

    package var int: Int? {
        if case .number(let text) = self { return Int(text) }
        return nil
    }

    package var isTrue: Bool { self == .bool(true) }

    /// Whether it is what Python takes for false: `null`, `false`, zero, and what is empty.
    package var isEmpty: Bool {
        switch self {
        case .null: true
        case .bool(let value): !value
        case .number(let text): Double(text) == 0
        case .string(let text): text.isEmpty
        case .array(let elements): elements.isEmpty
        case .object(let members): members.isEmpty
        }
    }
}

extension JSON: ExpressibleByDictionaryLiteral, ExpressibleByStringLiteral, ExpressibleByArrayLiteral {
    package init(dictionaryLiteral members: (String, JSON)...) {
        self = .object(members.map { Member($0.0, $0.1) })
    }

    package init(stringLiteral text: String) {
        self = .string(text)
    }

    package init(arrayLiteral elements: JSON...) {
        self = .array(elements)
    }
}
