import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1

/// Sends requests to an S3-compatible service, again where that may help.
struct S3Client: Sendable {
    /// An answer that was read to its end.
    struct Answer: Sendable {
        let status: UInt
        let headers: HTTPHeaders
        let body: ByteBuffer

        var isFound: Bool { (200...299).contains(status) }
        var text: String { String(buffer: body) }
    }

    /// An attempt may take this long, and besides as long as its body takes at the slowest rate.
    private static let patience: Int64 = 30
    /// Bytes a second.
    private static let slowestRate: Int64 = 256 << 10
    /// No answer that is read as a whole is longer: a page of a listing, a sidecar.
    private static let answerLimit = 4 << 20

    let settings: S3Settings
    let http: HTTPClient

    /// Connections that give up on a service that is silent; they follow no redirects.
    static func makeHTTP() -> HTTPClient {
        var configuration = HTTPClient.Configuration(redirectConfiguration: .disallow)
        configuration.timeout = HTTPClient.Configuration.Timeout(connect: .seconds(5), read: .seconds(patience))
        configuration.connectionPool.retryConnectionEstablishment = false
        configuration.httpVersion = .http1Only
        return HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }

    /// Sends a request and reads the answer.
    ///
    /// - Returns: an answer of 2xx, or 404 for an object that is not there, or 412.
    /// - Throws: `full`, `unavailable`.
    @discardableResult
    func send(_ request: S3Request) async throws(ResultStoreError) -> Answer {
        try await attempts { () async throws(ResultStoreError) in
            try await exchange(request, bytes: request.bodyBytes) { status in
                Answer(status: status, headers: [:], body: ByteBuffer())
            } read: { response in
                Answer(
                    status: response.status.code,
                    headers: response.headers,
                    body: try await response.body.collect(upTo: Self.answerLimit)
                )
            }
        }
    }

    /// Reads an object from its start to its end.
    ///
    /// What is read may start again: an attempt that fails in the middle is followed by another.
    ///
    /// - Parameters:
    ///   - key: of the object.
    ///   - bytes: its length, by which the patience goes.
    ///   - begin: makes what the chunks of one attempt are given to.
    ///   - take: gives it a chunk.
    /// - Returns: what the last attempt was given to; `nil` if there is no such object.
    /// - Throws: `full`, `unavailable`.
    func read<Sink: Sendable>(
        _ key: String,
        bytes: Int64,
        into begin: @Sendable () throws(ResultStoreError) -> Sink,
        _ take: @Sendable (Sink, ByteBuffer) async throws -> Void
    ) async throws(ResultStoreError) -> Sink? {
        try await attempts { () async throws(ResultStoreError) in
            let sink = try begin()
            return try await exchange(S3Request(method: .GET, key: key), bytes: bytes) { _ in
                nil
            } read: { response in
                for try await chunk in response.body { try await take(sink, chunk) }
                return sink
            }
        }
    }

    /// An address where anybody may read an object for a while.
    func link(to key: String) -> String {
        S3Signature(credentials: settings.credentials, region: settings.region, date: Date())
            .presigned(settings.address(of: key), seconds: max(1, settings.linkLifetime.components.seconds))
    }

    // MARK: Attempts

    /// How one attempt ended, if it did not end in an error that stays.
    private enum Attempt<Value: Sendable>: Sendable {
        case done(Value)
        case again(reason: String)
    }

    private func attempts<Value: Sendable>(
        _ attempt: () async throws(ResultStoreError) -> Attempt<Value>
    ) async throws(ResultStoreError) -> Value {
        var number = 1
        while true {
            switch try await attempt() {
            case .done(let value):
                return value
            case .again(let reason):
                guard number < S3Attempts.limit, !Task.isCancelled else {
                    throw .unavailable("the S3 service cannot be used: \(reason)")
                }
            }
            // A cancelled sleep only makes the last attempt come sooner.
            try? await Task.sleep(for: S3Attempts.delay(after: number, random: .random(in: 0...1)))
            number += 1
        }
    }

    /// Makes one attempt; the answer to what is not there (404) or has changed (412) has no content.
    private func exchange<Value: Sendable>(
        _ request: S3Request,
        bytes: Int64,
        otherwise missing: @Sendable (UInt) -> Value,
        read: @Sendable (HTTPClientResponse) async throws -> Value
    ) async throws(ResultStoreError) -> Attempt<Value> {
        do {
            let response = try await http.execute(
                request.signed(settings, at: Date()),
                timeout: .seconds(Self.patience + bytes / Self.slowestRate)
            )
            let status = response.status.code
            if (200...299).contains(status) { return .done(try await read(response)) }
            // The answer to HEAD has no body.
            let text =
                request.method == .HEAD ? "" : String(buffer: try await response.body.collect(upTo: Self.answerLimit))
            let code = S3XML.text(of: "Code", in: text)
            switch S3Verdict(status: status, code: code, method: request.method.rawValue) {
            case .accepted: return .done(missing(status))
            case .tryAgain: return .again(reason: "it answers \(status) to \(request.method.rawValue)")
            case .fails(let error): throw error
            }
        } catch let error as ResultStoreError {
            throw error
        } catch {
            return .again(reason: "\(error)")
        }
    }
}
