/// A command of Celery's remote control, as it comes in through the mailbox of the workers.
package struct CeleryCommand: Sendable, Equatable {
    package var method: String
    package var arguments: JSON
    /// Where an answer is wanted; `nil`: nowhere.
    package var reply: Reply?
    /// The sender's clock.
    package var clock: Int

    /// Where an answer goes.
    package struct Reply: Sendable, Equatable {
        package var exchange: String
        package var routingKey: String
        package var ticket: String
    }

    /// Reads a message of the mailbox; `nil` if it is for others, or nothing that can be understood.
    ///
    /// - Parameters:
    ///   - bytes: the payload of the channel.
    ///   - worker: who reads it.
    package init?(_ bytes: [UInt8], for worker: String) {
        guard let envelope = try? KombuEnvelope(bytes), envelope.contentType == "application/json",
            let body = try? JSONParser.parse(envelope.body), let method = body["method"]?.text
        else { return nil }
        if let destination = body["destination"], !destination.isEmpty {
            guard destination.elements?.contains(.string(worker)) ?? false else { return nil }
        } else if let pattern = body["pattern"]?.text, let matcher = body["matcher"]?.text {
            guard Self.matches(worker, pattern, matcher) else { return nil }
        }
        self.method = method
        arguments = body["arguments"] ?? .null
        clock = envelope.headers["clock"]?.int ?? 0
        guard let exchange = body["reply_to"]?["exchange"]?.text, exchange.hasPrefix("reply."),
            exchange.hasSuffix(".pidbox"), let routingKey = body["reply_to"]?["routing_key"]?.text
        else { return }
        reply = Reply(exchange: exchange, routingKey: routingKey, ticket: body["ticket"]?.text ?? "")
    }

    /// The ids that `revoke` and `terminate` are about.
    package var taskIDs: [String] {
        switch arguments["task_id"] {
        case .string(let id)?: [id]
        case .array(let ids)?: ids.compactMap(\.text)
        default: []
        }
    }

    /// Whether a name is meant by a pattern: shell patterns with `*` and `?` are understood, other kinds mean nobody.
    private static func matches(_ name: String, _ pattern: String, _ matcher: String) -> Bool {
        guard matcher == "glob", pattern.utf8.count <= 255 else { return false }
        var names = Set([Array(name.utf8)[...]])
        for byte in pattern.utf8 {
            switch byte {
            case UInt8(ascii: "*"):
                names = Set(names.flatMap { rest in (0...rest.count).map { rest.dropFirst($0) } })
            case UInt8(ascii: "?"): names = Set(names.filter { !$0.isEmpty }.map { $0.dropFirst() })
            default: names = Set(names.filter { $0.first == byte }.map { $0.dropFirst() })
            }
        }
        return names.contains { $0.isEmpty }
    }
}
