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
        if let announced = headers[.contentLength], Int(announced).map({ $0 > limit }) ?? true {
            throw .bodyTooLarge(limit: limit)
        }
        var collected = ByteBuffer()
        do {
            for try await var part in body {
                guard collected.readableBytes + part.readableBytes <= limit else {
                    throw Problem.bodyTooLarge(limit: limit)
                }
                if collected.readableBytes == 0 { collected = part } else { collected.writeBuffer(&part) }
            }
        } catch let problem as Problem {
            throw problem
        } catch is BodyTimeout {
            throw .slowBody
        } catch {
            throw .brokenBody
        }
        return collected
    }

    private func checkContentType() throws(Problem) {
        if let coding = headers[.contentEncoding], coding.lowercased() != "identity" {
            throw .notJSON("Content-Encoding is not supported.")
        }
        guard let given = headers[.contentType] else {
            throw .notJSON("Content-Type is missing; it must be application/json.")
        }
        if given == "application/json" { return }
        let parts = given.lowercased().split(separator: ";", omittingEmptySubsequences: false).map(\.trimmingSpace)
        guard let type = parts.first,
            type == "application/json" || type.hasPrefix("application/") && type.hasSuffix("+json")
        else {
            throw .notJSON("Content-Type must be application/json.")
        }
        for parameter in parts.dropFirst() where !parameter.isEmpty {
            guard parameter == "charset=utf-8" || parameter == "charset=\"utf-8\"" else {
                throw .notJSON("Of the parameters of Content-Type only charset=utf-8 is known.")
            }
        }
    }
}
