import Foundation

/// A response as it came over the wire.
package struct HTTPResponseFixture: Sendable {
    package var status: Int
    /// In their order, names as they were sent.
    package var headers: [(name: String, value: String)]
    package var body: [UInt8]

    /// The value of a header, whatever the case of its name; `nil` if it is not there.
    package subscript(_ name: String) -> String? {
        headers.first { $0.name.lowercased() == name.lowercased() }?.value
    }

    /// The body as text.
    package var text: String { String(decoding: body, as: UTF8.self) }

    /// The body as a JSON object; empty for anything else.
    package var json: [String: Any] {
        (try? JSONSerialization.jsonObject(with: Data(body))) as? [String: Any] ?? [:]
    }

    /// The `code` of a problem.
    package var code: String? { json["code"] as? String }

    /// The fields and codes of a problem's violations, as `field:code`.
    package var violations: [String] {
        (json["violations"] as? [[String: Any]] ?? []).map { "\($0["field"] ?? ""):\($0["code"] ?? "")" }
    }
}
