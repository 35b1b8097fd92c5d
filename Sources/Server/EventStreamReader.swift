/// One server-sent event.
struct ServerSentEvent: Equatable {
    var id: String?
    var name: String
    var data: String
}

/// Reads server-sent events, as the HTML standard has them, from pieces of any size.
///
/// Pure. What is longer than any event of ours is not kept.
struct EventStreamReader {
    /// Of a line, and of the data of an event.
    static let maxBytes = 1 << 20

    private var line: [UInt8] = []
    private var isTooLong = false
    private var endedWithReturn = false
    private var id: String?
    private var name = ""
    private var data: [String] = []
    private var dataBytes = 0

    /// Takes the next piece.
    ///
    /// - Parameter bytes: however the stream was cut.
    /// - Returns: the events that it completes.
    mutating func read(_ bytes: some Sequence<UInt8>) -> [ServerSentEvent] {
        var events: [ServerSentEvent] = []
        for byte in bytes {
            switch byte {
            case UInt8(ascii: "\n") where endedWithReturn: endedWithReturn = false
            case UInt8(ascii: "\n"), UInt8(ascii: "\r"):
                endedWithReturn = byte == UInt8(ascii: "\r")
                if let event = endLine() { events.append(event) }
            default:
                endedWithReturn = false
                if line.count < Self.maxBytes { line.append(byte) } else { isTooLong = true }
            }
        }
        return events
    }

    private mutating func endLine() -> ServerSentEvent? {
        defer {
            line.removeAll(keepingCapacity: true)
            isTooLong = false
        }
        guard !isTooLong else { return nil }
        guard !line.isEmpty else { return endEvent() }
        let text = String(decoding: line, as: UTF8.self)
        let colon = text.firstIndex(of: ":") ?? text.endIndex
        let rest = text[colon...].dropFirst()
        let value = String(rest.first == " " ? rest.dropFirst() : rest)
        switch text[..<colon] {
        case "event": name = value
        case "id": id = value
        case "data":
            dataBytes += value.utf8.count
            if dataBytes <= Self.maxBytes { data.append(value) }
        default: break
        }
        return nil
    }

    private mutating func endEvent() -> ServerSentEvent? {
        defer { (id, name, data, dataBytes) = (nil, "", [], 0) }
        guard !data.isEmpty, dataBytes <= Self.maxBytes else { return nil }
        return ServerSentEvent(id: id, name: name.isEmpty ? "message" : name, data: data.joined(separator: "\n"))
    }
}
