/// A header value with parameters, as in `multipart/form-data; boundary=x`.
///
/// RFC 9110, sections 5.6.6 and 8.3. Bytes above ASCII are allowed in quotes, where browsers put file names.
struct ParameterizedValue: Equatable {
    /// In small letters.
    let value: String
    /// By names in small letters.
    let parameters: [String: String]

    /// `nil` for anything else, a parameter that is there twice included.
    init?(_ bytes: some Collection<UInt8>) {
        var reader = Reader(rest: ArraySlice(bytes))
        guard let value = reader.value() else { return nil }
        self.value = value
        var parameters: [String: String] = [:]
        while let (name, text) = reader.parameter() {
            guard parameters.updateValue(text, forKey: name) == nil else { return nil }
        }
        guard reader.isAtEnd, !reader.isLost else { return nil }
        self.parameters = parameters
    }

    init?(_ text: String) {
        self.init(Array(text.utf8))
    }

    /// Whether it is the type of a file that may be a picture or a video; `application/octet-stream` says nothing.
    var isMedia: Bool {
        let parts = value.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[1].isEmpty else { return false }
        return parts[0] == "image" || parts[0] == "video" || value == "application/octet-stream"
    }

    private struct Reader {
        var rest: ArraySlice<UInt8>
        /// In a parameter that is none.
        private(set) var isLost = false

        init(rest: ArraySlice<UInt8>) {
            self.rest = rest
        }

        var isAtEnd: Bool { rest.isEmpty }

        mutating func value() -> String? {
            skipSpace()
            let value = take { Self.isToken($0) || $0 == UInt8(ascii: "/") }
            return value.isEmpty ? nil : value
        }

        /// The next parameter; `nil` where there is none, which is the end of the text if all is well.
        mutating func parameter() -> (name: String, value: String)? {
            var hasSemicolon = false
            skipSpace()
            while rest.first == UInt8(ascii: ";") {
                hasSemicolon = true
                rest.removeFirst()
                skipSpace()
            }
            guard hasSemicolon, !isAtEnd else { return nil }
            let name = take(Self.isToken)
            guard !name.isEmpty, rest.popFirst() == UInt8(ascii: "="), let value = parameterValue() else {
                isLost = true
                return nil
            }
            return (name, value)
        }

        private mutating func parameterValue() -> String? {
            if rest.first == UInt8(ascii: "\"") { return quoted() }
            let value = rest.prefix(while: Self.isToken)
            rest.removeFirst(value.count)
            return value.isEmpty ? nil : String(decoding: value, as: UTF8.self)
        }

        private mutating func quoted() -> String? {
            rest.removeFirst()
            var text: [UInt8] = []
            while let byte = rest.popFirst() {
                switch byte {
                case UInt8(ascii: "\""):
                    return String(decoding: text, as: UTF8.self)
                case UInt8(ascii: "\\"):
                    guard let escaped = rest.popFirst() else { return nil }
                    text.append(escaped)
                case 0..<0x20 where byte != UInt8(ascii: "\t"), 0x7F:
                    return nil
                default:
                    text.append(byte)
                }
            }
            return nil
        }

        private mutating func take(_ belongs: (UInt8) -> Bool) -> String {
            let taken = rest.prefix(while: belongs)
            rest.removeFirst(taken.count)
            return String(decoding: taken, as: UTF8.self).lowercased()
        }

        private mutating func skipSpace() {
            rest = rest.drop { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
        }

        static func isToken(_ byte: UInt8) -> Bool {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                true
            default:
                punctuation.contains(byte)
            }
        }

        private static let punctuation = Set("!#$%&'*+-.^_`|~".utf8)
    }
}
