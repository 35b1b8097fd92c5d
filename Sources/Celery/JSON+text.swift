extension JSON {
    /// The value as text, members in their order.
    package var bytes: [UInt8] {
        var bytes: [UInt8] = []
        write(into: &bytes)
        return bytes
    }

    private func write(into bytes: inout [UInt8]) {
        switch self {
        case .null: bytes.append(contentsOf: "null".utf8)
        case .bool(let value): bytes.append(contentsOf: (value ? "true" : "false").utf8)
        case .number(let text): bytes.append(contentsOf: text.utf8)
        case .string(let text): Self.write(text, into: &bytes)
        case .array(let elements):
            bytes.append(UInt8(ascii: "["))
            for (index, element) in elements.enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                element.write(into: &bytes)
            }
            bytes.append(UInt8(ascii: "]"))
        case .object(let members):
            bytes.append(UInt8(ascii: "{"))
            for (index, member) in members.enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                Self.write(member.name, into: &bytes)
                bytes.append(UInt8(ascii: ":"))
                member.value.write(into: &bytes)
            }
            bytes.append(UInt8(ascii: "}"))
        }
    }

    private static func write(_ text: String, into bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""): bytes.append(contentsOf: "\\\"".utf8)
            case UInt8(ascii: "\\"): bytes.append(contentsOf: "\\\\".utf8)
            case 0..<0x20:
                bytes.append(contentsOf: (byte < 0x10 ? "\\u000" : "\\u00").utf8)
                bytes.append(contentsOf: String(byte, radix: 16).utf8)
            default: bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }

    /// The value as Python would show it, cut short; what monitors of Celery show.
    package func pythonText(limit: Int = 1024) -> String {
        var text = ""
        writePython(into: &text, limit: limit)
        return text.count > limit ? text.prefix(limit) + "…" : text
    }

    private func writePython(into text: inout String, limit: Int) {
        guard text.utf8.count <= limit * 4 else { return }
        switch self {
        case .null: text += "None"
        case .bool(let value): text += value ? "True" : "False"
        case .number(let number): text += number
        case .string(let string):
            let shown = string.prefix(limit)
                .replacing("\\", with: "\\\\").replacing("'", with: "\\'").replacing("\n", with: "\\n")
            text += "'\(shown)'"
        case .array(let elements):
            text += "["
            for (index, element) in elements.enumerated() {
                if index > 0 { text += ", " }
                element.writePython(into: &text, limit: limit)
            }
            text += "]"
        case .object(let members):
            text += "{"
            for (index, member) in members.enumerated() {
                if index > 0 { text += ", " }
                JSON.string(member.name).writePython(into: &text, limit: limit)
                text += ": "
                member.value.writePython(into: &text, limit: limit)
            }
            text += "}"
        }
    }
}
