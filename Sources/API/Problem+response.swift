import HTTPTypes
import NIOCore
import Scheduling
import Tasks

extension Problem {
    static let mediaType = "application/problem+json"

    /// The body, keys sorted.
    ///
    /// Members that do not concern the problem are left out.
    func body(_ id: RequestID) -> ByteBuffer {
        var json = JSONWriter(capacity: 512)
        json.object { json in
            json.key("code")
            json.string(code)
            json.key("detail")
            json.string(detail)
            if !obstacles.isEmpty {
                json.key("obstacles")
                json.array { json in
                    for obstacle in obstacles { json.reason((obstacle.code, obstacle.message)) }
                }
            }
            json.key("request_id")
            json.string(id.description)
            json.key("status")
            json.number(status.code)
            if let taskStatus {
                json.key("task_status")
                json.string(taskStatus.rawValue)
            }
            json.key("title")
            json.string(status.reasonPhrase)
            json.key("type")
            json.string("about:blank")
            if !violations.isEmpty {
                json.key("violations")
                json.array { json in
                    for violation in violations {
                        json.object { json in
                            json.key("code")
                            json.string(violation.code.rawValue)
                            json.key("field")
                            json.string(violation.field)
                            json.key("message")
                            json.string(violation.message)
                        }
                    }
                }
            }
        }
        return json.buffer
    }

    /// The header fields of the response, its framing excepted.
    ///
    /// - Parameters:
    ///   - id: of the request.
    ///   - retryAfter: the usual time, for a problem that passes and does not say when.
    /// - Returns: the fields.
    func headers(_ id: RequestID, retryAfter: Duration) -> HTTPFields {
        var headers: HTTPFields = [
            .contentType: Self.mediaType,
            .cacheControl: "no-store",
            .xContentTypeOptions: "nosniff",
            .requestID: id.description,
        ]
        if isRetryable {
            headers[.retryAfter] = (self.retryAfter ?? retryAfter).wholeSeconds
        }
        if let challenge { headers[.wwwAuthenticate] = challenge }
        if !allowed.isEmpty {
            headers[.allow] = allowed.map(\.rawValue).joined(separator: ", ")
        }
        if let completeLength {
            headers[.contentRange] = "bytes */\(completeLength)"
        }
        return headers
    }
}

extension Duration {
    /// For `Retry-After`: rounded up, at least 1.
    fileprivate var wholeSeconds: String {
        let (seconds, attoseconds) = components
        return String(max(1, attoseconds > 0 && seconds < .max ? seconds + 1 : seconds))
    }
}
