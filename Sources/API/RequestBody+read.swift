import HTTPTypes
import Hummingbird
import HummingbirdCore
import NIOCore

/// The body of a request did not arrive before its deadline.
struct BodyTimeout: Error {}

extension Request {
    /// The whole body, if it is JSON and not too large.
    ///
    /// - Throws: 415, 413, 408, or 400 for a body that ends early.
    func jsonBody(limit: Int) async throws(Problem) -> ByteBuffer {
        try checkContentType()
        guard !isAnnounced(over: limit) else { throw .bodyTooLarge(limit: limit) }
        var collected = ByteBuffer()
        try await readBody { part throws(Problem) in
            guard collected.readableBytes + part.readableBytes <= limit else { throw .bodyTooLarge(limit: limit) }
            if collected.readableBytes == 0 {
                collected = part
            } else {
                collected.writeImmutableBuffer(part)
            }
        }
        return collected
    }

    /// The same, where there need not be one.
    func optionalJSONBody(limit: Int) async throws(Problem) -> ByteBuffer {
        let isLeftOut = headers[.contentType] == nil && (headers[.contentLength].map { $0 == "0" } ?? true)
        guard !isLeftOut || headers[.transferEncoding] != nil else { return ByteBuffer() }
        return try await jsonBody(limit: limit)
    }

    /// Whether the head says that the body has more bytes than a limit.
    func isAnnounced(over limit: Int) -> Bool {
        guard let announced = headers[.contentLength] else { return false }
        return Int(announced).map { $0 > limit } ?? true
    }

    /// Hands the body over part by part; the client waits while a part is taken.
    ///
    /// - Parameter take: what it throws ends the reading.
    /// - Throws: what `take` threw, 408, or 400 for a body that ends early.
    func readBody(_ take: (ByteBuffer) async throws(Problem) -> Void) async throws(Problem) {
        var count = 0
        do {
            for try await part in body {
                count += part.readableBytes
                try await take(part)
            }
        } catch let problem as Problem {
            throw problem
        } catch is BodyTimeout {
            throw .slowBody
        } catch {
            throw .brokenBody
        }
        // To the library a connection that ends is the end of a body.
        if let announced = headers[.contentLength], Int(announced) != count { throw .brokenBody }
    }

    /// Refuses a body whose bytes stand for others.
    func checkContentEncoding() throws(Problem) {
        if let coding = headers[.contentEncoding], coding.lowercased() != "identity" {
            throw .unsupportedMediaType("Content-Encoding is not supported.")
        }
    }

    private func checkContentType() throws(Problem) {
        try checkContentEncoding()
        guard let given = headers[.contentType] else {
            throw .unsupportedMediaType("Content-Type is missing; it must be application/json.")
        }
        if given == "application/json" { return }
        let parts = given.lowercased().split(separator: ";", omittingEmptySubsequences: false).map(\.trimmingSpace)
        guard let type = parts.first,
            type == "application/json" || type.hasPrefix("application/") && type.hasSuffix("+json")
        else {
            throw .unsupportedMediaType("Content-Type must be application/json.")
        }
        for parameter in parts.dropFirst() where !parameter.isEmpty {
            guard parameter == "charset=utf-8" || parameter == "charset=\"utf-8\"" else {
                throw .unsupportedMediaType("Of the parameters of Content-Type only charset=utf-8 is known.")
            }
        }
    }
}
