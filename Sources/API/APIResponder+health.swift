import Hummingbird
import HummingbirdCore
import NIOCore
import Scheduling

extension APIResponder {
    /// Made once: asking whether the server lives waits for nothing.
    static func healthBody(version: String) -> ByteBuffer {
        var json = JSONWriter(capacity: 64)
        json.object { json in
            json.key("status")
            json.string("live")
            json.key("version")
            json.string(version)
        }
        return json.buffer
    }

    static let readyBody = ByteBuffer(string: #"{"status":"ready"}"#)

    func showReadiness(_ call: Call) throws(Problem) -> Response {
        let obstacles = service.unreadiness()
        guard obstacles.isEmpty else { throw .notReady(obstacles) }
        return json(.ok, Self.readyBody, call.id)
    }
}
