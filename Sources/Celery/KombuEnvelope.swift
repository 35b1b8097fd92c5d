import Foundation

/// A message as kombu puts it into a list or a channel of Redis: a JSON object around an encoded body.
package struct KombuEnvelope: Sendable, Equatable {
    package var body: [UInt8]
    package var contentType: String
    package var contentEncoding: String
    package var headers: JSON
    package var properties: JSON

    package init(
        body: [UInt8],
        contentType: String = "application/json",
        contentEncoding: String = "utf-8",
        headers: JSON,
        properties: JSON
    ) {
        self.body = body
        self.contentType = contentType
        self.contentEncoding = contentEncoding
        self.headers = headers
        self.properties = properties
    }

    /// Why bytes are no such message.
    package struct Fault: Error, Equatable {
        /// For people.
        package var reason: String
        /// The task's id as far as it can be told.
        package var taskID: String?
    }

    /// Reads a message.
    ///
    /// - Parameter bytes: the element of a list, or the payload of a channel.
    /// - Throws: what is wrong with it.
    package init(_ bytes: [UInt8]) throws(Fault) {
        let value: JSON
        do { value = try JSONParser.parse(bytes) } catch {
            throw Fault(reason: "The message is not JSON: \(error.reason), at byte \(error.position).")
        }
        let headers = value["headers"] ?? [:]
        let properties = value["properties"] ?? [:]
        let id = headers["id"]?.text ?? properties["correlation_id"]?.text
        guard headers.members != nil, properties.members != nil, let text = value["body"]?.text else {
            throw Fault(reason: "The message has no body, or headers or properties that are no objects.", taskID: id)
        }
        switch properties["body_encoding"]?.text {
        case "base64"?:
            guard let data = Data(base64Encoded: text) else {
                throw Fault(reason: "The body is not base64.", taskID: id)
            }
            body = Array(data)
        case nil:
            body = Array(text.utf8)
        case let other?:
            throw Fault(reason: "The body has the encoding \(other.prefix(40)); base64 is known.", taskID: id)
        }
        contentType = value["content-type"]?.text ?? ""
        contentEncoding = value["content-encoding"]?.text ?? ""
        self.headers = headers
        self.properties = properties
    }

    /// The message as kombu reads it.
    package var bytes: [UInt8] {
        let value: JSON = [
            "body": .string(Data(body).base64EncodedString()),
            "content-encoding": .string(contentEncoding),
            "content-type": .string(contentType),
            "headers": headers,
            "properties": properties,
        ]
        return value.bytes
    }

    /// A message of this side.
    ///
    /// - Parameters:
    ///   - value: the body.
    ///   - headers: as the receiver looks for them.
    ///   - exchange: kombu's name of where it goes.
    ///   - routingKey: and of to whom there.
    ///   - tag: a new unique text.
    /// - Returns: the message.
    package static func outgoing(
        _ value: JSON,
        headers: JSON,
        exchange: String,
        routingKey: String,
        tag: String
    ) -> KombuEnvelope {
        KombuEnvelope(
            body: value.bytes,
            headers: headers,
            properties: [
                "delivery_mode": .integer(1),
                "delivery_info": ["exchange": .string(exchange), "routing_key": .string(routingKey)],
                "priority": .integer(0),
                "body_encoding": "base64",
                "delivery_tag": .string(tag),
            ]
        )
    }
}
