import Tasks

/// Reads the members of a JSON object into the fields of a request, and collects what is wrong with them.
struct FieldReader<Field> where Field: RawRepresentable<String> & CaseIterable & Hashable {
    private(set) var violations: [Violation] = []
    private var seen: Set<Field> = []
    /// What stands in front of the name of a field, as in `limits.`.
    private let prefix: String

    /// - Parameter prefix: what violations put in front of the name of a field.
    init(prefix: String = "") {
        self.prefix = prefix
    }

    /// Reads a body.
    ///
    /// - Parameters:
    ///   - body: the whole text.
    ///   - take: puts a value where it belongs; gets the name for messages.
    /// - Throws: if it is not a JSON object; faults of fields are in `violations`.
    mutating func read(
        _ body: [UInt8],
        _ take: (Field, JSONValue, String) throws(FieldFault) -> Void
    ) throws(MalformedJSON) {
        var members: [(String, JSONValue)] = []
        var reader = JSONReader(body)
        try reader.readObject { name, value in
            if members.count < VideoWire.maxViolations * 2 { members.append((name, value)) }
        }
        for (name, value) in members { self.take(name, value, take) }
    }

    /// Reads an object inside another.
    mutating func read(_ members: [JSONMember], _ take: (Field, JSONValue, String) throws(FieldFault) -> Void) {
        for member in members { self.take(member.name, member.value, take) }
    }

    /// Adds what was found wrong elsewhere.
    mutating func add(_ violations: [Violation]) {
        self.violations += violations
    }

    private mutating func take(
        _ name: String,
        _ value: JSONValue,
        _ take: (Field, JSONValue, String) throws(FieldFault) -> Void
    ) {
        guard let field = Field(rawValue: name) else {
            let shown = prefix + name.prefix(64)
            let hint = NearestName.of(name, among: Field.allCases.map(\.rawValue))
            return reject(
                shown, .unknownField, "There is no field \(shown).\(hint.map { " Did you mean \(prefix)\($0)?" } ?? "")"
            )
        }
        let full = prefix + name
        guard seen.insert(field).inserted else { return reject(full, .notAllowed, "\(full) is given twice.") }
        do throws(FieldFault) { try take(field, value, full) } catch { reject(full, error.code, error.message) }
    }

    private mutating func reject(_ field: String, _ code: Violation.Code, _ message: String) {
        guard violations.count < VideoWire.maxViolations else { return }
        violations.append(Violation(field: field, code: code, message: message))
    }
}
