import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import Results

/// Reads contents as a client gets them.
enum VideoContentReader {
    struct Refused: Error {
        let status: UInt
    }

    static func read(_ content: VideoContent) async throws -> Data {
        switch content {
        case .memory(let buffer):
            return Data(buffer.readableBytesView)
        case .file(let file):
            var data = Data()
            while Int64(data.count) < file.bytes {
                let chunk = try await file.chunk(of: Int64(data.count)..<file.bytes)
                data.append(contentsOf: chunk.readableBytesView)
            }
            return data
        case .elsewhere(let url, _):
            let response = try await HTTPClient.shared.execute(HTTPClientRequest(url: url), timeout: .seconds(60))
            guard response.status == .ok else { throw Refused(status: response.status.code) }
            return Data(try await response.body.collect(upTo: 64 << 20).readableBytesView)
        }
    }
}
