/// The head of one part of a form.
///
/// RFC 7578, section 4.
struct MultipartPart: Equatable {
    /// Of the field, as the form spells it.
    let name: String
    /// What the file is said to be; `nil` if nothing is said, or if it cannot be read.
    let type: ParameterizedValue?
    /// Whether it says that it is a file, by having a name for one.
    let isFile: Bool

    /// Reads header fields, with or without a line break behind the last.
    init(_ head: ArraySlice<UInt8>) throws(MultipartFault) {
        var fields: [String: ArraySlice<UInt8>] = [:]
        for line in Self.lines(of: head) {
            guard let colon = line.firstIndex(of: UInt8(ascii: ":")), colon > line.startIndex,
                line[..<colon].allSatisfy({ 0x21...0x7E ~= $0 })
            else { throw MultipartFault("A header field of a part is not one.") }
            let name = String(decoding: line[..<colon], as: UTF8.self).lowercased()
            guard fields.updateValue(line[(colon + 1)...], forKey: name) == nil else {
                throw MultipartFault("A part has a header field twice.")
            }
        }
        if let encoding = fields["content-transfer-encoding"].flatMap({ ParameterizedValue($0) }) {
            guard ["binary", "8bit", "7bit"].contains(encoding.value) else {
                throw MultipartFault("Content-Transfer-Encoding is not supported; send the bytes as they are.")
            }
        }
        guard let disposition = fields["content-disposition"].flatMap({ ParameterizedValue($0) }),
            disposition.value == "form-data", let name = disposition.parameters["name"]
        else { throw MultipartFault("A part needs Content-Disposition: form-data with a name.") }
        self.name = name
        isFile = disposition.parameters["filename"] != nil || disposition.parameters["filename*"] != nil
        type = fields["content-type"].flatMap { ParameterizedValue($0) }
    }

    private static func lines(of head: ArraySlice<UInt8>) -> [ArraySlice<UInt8>] {
        var lines: [ArraySlice<UInt8>] = []
        var rest = head
        while !rest.isEmpty {
            let end = rest.indices.first { rest[$0...].starts(with: [13, 10]) } ?? rest.endIndex
            lines.append(rest[..<end])
            rest = rest[end...].dropFirst(2)
        }
        return lines
    }
}
