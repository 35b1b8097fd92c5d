import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1

/// One request to an S3-compatible service; can be sent more than once.
struct S3Request: Sendable {
    var method: HTTPMethod
    /// Empty for the bucket itself.
    var key: String
    /// Not encoded.
    var query: [(String, String)] = []
    /// Names in lower case.
    var headers: [(String, String)] = []
    var body = Body.none

    /// What is sent.
    enum Body: Sendable {
        case none
        case bytes(ByteBuffer, sha256: String)
        /// Read while it is sent.
        case file(VideoFile, Range<Int64>, sha256: String)
    }

    /// A small body.
    static func bytes(_ data: Data) -> Body {
        .bytes(ByteBuffer(bytes: data), sha256: data.sha256)
    }

    var bodyBytes: Int64 {
        switch body {
        case .none: 0
        case .bytes(let buffer, _): Int64(buffer.readableBytes)
        case .file(_, let range, _): range.upperBound - range.lowerBound
        }
    }

    /// The request as it is sent at a time.
    func signed(_ settings: S3Settings, at date: Date) -> HTTPClientRequest {
        let address = settings.address(of: key)
        var request = HTTPClientRequest(url: address.url(query: S3Signature.canonical(query)))
        request.method = method
        let fields = S3Signature(credentials: settings.credentials, region: settings.region, date: date).headers(
            method: method.rawValue,
            address: address,
            query: query,
            headers: headers,
            bodyHash: bodyHash
        )
        request.headers = HTTPHeaders(headers + fields)
        switch body {
        case .none: break
        case .bytes(let buffer, _): request.body = .bytes(buffer)
        case .file(let file, let range, _):
            request.body = .stream(
                FileChunks(file: file, range: range), length: .known(range.upperBound - range.lowerBound))
        }
        return request
    }

    private var bodyHash: String {
        switch body {
        case .none: S3Signature.emptyHash
        case .bytes(_, let sha256), .file(_, _, let sha256): sha256
        }
    }
}

/// A part of a file, a chunk at a time.
struct FileChunks: AsyncSequence, Sendable {
    let file: VideoFile
    let range: Range<Int64>

    struct AsyncIterator: AsyncIteratorProtocol {
        let file: VideoFile
        var rest: Range<Int64>

        mutating func next() async throws -> ByteBuffer? {
            guard !rest.isEmpty else { return nil }
            let chunk = try await file.chunk(of: rest)
            rest = rest.lowerBound + Int64(chunk.readableBytes)..<rest.upperBound
            return chunk
        }
    }

    func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(file: file, rest: range)
    }
}
