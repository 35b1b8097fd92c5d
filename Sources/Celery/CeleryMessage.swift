package import Tasks

/// A task as a Celery application sends it: version 2 of Celery's protocol.
package struct CeleryMessage: Sendable, Equatable {
    package var brief: CeleryBrief
    /// The fields of the request.
    package var kwargs: [JSON.Member]
    /// 0 to 9, the lower the more urgent; 0 where nothing was said.
    package var priority: Int
    /// Not before.
    package var eta: Timestamp?
    /// Not to be begun after.
    package var expires: Timestamp?

    package var id: String { brief.id }

    /// The body of the request for a video.
    ///
    /// Celery's priority counts where the fields name none of ours.
    package var body: [UInt8] {
        var members = kwargs
        if !members.contains(where: { $0.name == "priority" }), let word = Self.priority(priority) {
            members.append(JSON.Member("priority", .string(word.rawValue)))
        }
        return JSON.object(members).bytes
    }

    /// Ours for one of Celery's: `nil`, and so what is usual, for 0, which is what is sent when nothing was said.
    package static func priority(_ priority: Int) -> TaskPriority? {
        switch priority {
        case 1, 2: .interactive
        case 3...5: .normal
        case 6...: .batch
        default: nil
        }
    }

    /// What came of reading a message.
    package enum Reading: Sendable, Equatable {
        case task(CeleryMessage)
        /// It never can be carried out; without a brief nobody can be told.
        case refused(CeleryBrief?, CeleryException)
    }

    /// Marks what the broker's script has put in place of a message that is too long.
    static let oversizedMark = UInt8(ascii: "!")

    /// Reads a message.
    ///
    /// - Parameters:
    ///   - bytes: as they came from the broker.
    ///   - taskName: the name of the tasks that are taken.
    /// - Returns: the task, or why there is none.
    package static func read(_ bytes: [UInt8], taskName: String) -> Reading {
        if bytes.first == oversizedMark { return .refused(brief(ofOversized: bytes), tooLong) }
        let envelope: KombuEnvelope
        do { envelope = try KombuEnvelope(bytes) } catch {
            return .refused(
                error.taskID.flatMap { brief($0, JSON.null) },
                CeleryException("ValueError", error.reason, code: "malformed_message")
            )
        }
        let id = envelope.headers["id"]?.text ?? envelope.properties["correlation_id"]?.text
        guard let brief = id.flatMap({ brief($0, envelope.headers) }) else {
            return .refused(
                nil, CeleryException("ValueError", "The message has no task id.", code: "malformed_message"))
        }
        do throws(CeleryException) {
            return .task(try task(envelope, brief, taskName))
        } catch {
            return .refused(brief, error)
        }
    }

    private static func task(
        _ envelope: KombuEnvelope,
        _ brief: CeleryBrief,
        _ taskName: String
    ) throws(CeleryException) -> CeleryMessage {
        let headers = envelope.headers
        guard brief.id.utf8.count <= 255, brief.id.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw CeleryException(
                "ValueError",
                "The task id must have at most 255 characters, all of them visible ASCII.",
                code: "malformed_message"
            )
        }
        guard headers["task"]?.text != nil else {
            throw CeleryException(
                "NotImplementedError",
                "Messages of version 1 of Celery's protocol are not taken; set task_protocol = 2.",
                code: "unknown_protocol"
            )
        }
        guard brief.name == taskName else {
            throw CeleryException(
                "NotRegistered",
                "There is no task \(brief.name.prefix(100)) here; there is \(taskName).",
                code: "unknown_task",
                module: "celery.exceptions"
            )
        }
        if let compression = headers["compression"], !compression.isEmpty { throw unusable("compressed") }
        guard envelope.contentType == "application/json" else {
            throw unusable("of the content type \(envelope.contentType.prefix(60))")
        }
        guard ["utf-8", "utf8"].contains(envelope.contentEncoding.lowercased()) else {
            throw unusable("encoded as \(envelope.contentEncoding.prefix(40))")
        }
        let kwargs = try kwargs(envelope.body)
        return CeleryMessage(
            brief: brief,
            kwargs: kwargs,
            priority: min(max(envelope.properties["priority"]?.int ?? 0, 0), 9),
            eta: try moment(headers, "eta"),
            expires: try moment(headers, "expires")
        )
    }

    /// The keyword arguments in a body, which is `[args, kwargs, embed]`.
    private static func kwargs(_ body: [UInt8]) throws(CeleryException) -> [JSON.Member] {
        let value: JSON
        do { value = try JSONParser.parse(body) } catch {
            throw CeleryException(
                "ValueError",
                "The body is not JSON: \(error.reason), at byte \(error.position).",
                code: "malformed_message"
            )
        }
        guard let parts = value.elements, parts.count == 3, let kwargs = parts[1].members else {
            throw CeleryException(
                "ValueError",
                "The body must be [args, kwargs, embed], with kwargs an object.",
                code: "malformed_message"
            )
        }
        guard parts[0].isEmpty else {
            throw CeleryException(
                "TypeError",
                "The task takes keyword arguments alone: the fields of a request, as in prompt=….",
                code: "positional_arguments"
            )
        }
        for name in ["callbacks", "errbacks", "chain", "chord"] where !(parts[2][name] ?? .null).isEmpty {
            throw CeleryException(
                "NotImplementedError",
                "The task cannot be followed by others (\(name)): wait for its result, or give a callback_url.",
                code: "unsupported_workflow"
            )
        }
        return kwargs
    }

    private static func moment(_ headers: JSON, _ name: String) throws(CeleryException) -> Timestamp? {
        guard let value = headers[name], value != .null else { return nil }
        guard let moment = value.text.flatMap({ CeleryTime.moment($0) }) else {
            throw CeleryException(
                "ValueError", "The header \(name) is no moment in ISO 8601.", code: "malformed_message")
        }
        return moment
    }

    private static func unusable(_ what: String) -> CeleryException {
        CeleryException(
            "ValueError",
            "The body is \(what); it must be JSON (task_serializer = \"json\", no task_compression).",
            code: "unusable_body"
        )
    }

    private static let tooLong = CeleryException(
        "ValueError", "The message is longer than this server takes.", code: "message_too_long")

    private static func brief(_ id: String, _ headers: JSON) -> CeleryBrief? {
        (1...1024).contains(id.utf8.count) ? CeleryBrief(id: id, headers: headers) : nil
    }

    /// Finds the id in the end of a message, where kombu writes it.
    private static func brief(ofOversized bytes: [UInt8]) -> CeleryBrief? {
        let text = String(decoding: bytes, as: UTF8.self)
        guard let match = text.firstMatch(of: /"correlation_id": ?"([^"\\]{1,255})"/) else { return nil }
        return brief(String(match.1), .null)
    }
}
