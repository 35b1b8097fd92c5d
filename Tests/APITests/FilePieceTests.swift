import Foundation
import HTTPTypes
import HummingbirdCore
import NIOCore
import NIOHTTP1
import NIOHTTPTypes
import NIOHTTPTypesHTTP1
import NIOPosix
import Synchronization
import TestSupport
import Testing

@testable import API
@testable import Results

/// Files that are sent from where the system has them.
struct FilePieceTests {
    private static let name = String(repeating: "0f", count: 32)
    private static let path = "/api/v1/videos/\(name).mp4"

    /// Writes a video of a length whose bytes differ from place to place, and opens it.
    private func withFile(
        _ count: Int,
        _ body: (VideoFile, String, [UInt8]) async throws -> Void
    ) async throws {
        try await withTemporaryDirectory { directory in
            var content = (0..<65_537).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
            while content.count < count { content += content }
            content.removeSubrange(count...)
            let path = "\(directory)/video.mp4"
            try Data(content).write(to: URL(filePath: path))
            try await body(try #require(try VideoFile.open(path)), path, content)
        }
    }

    private func service(_ file: VideoFile) throws -> ScriptedVideoService {
        let name = try #require(VideoName(Self.name))
        return ScriptedVideoService { $0.videos = [name: .file(file)] }
    }

    @Test("Pieces of files, bytes and other answers come in the order of their requests")
    func pipelined() async throws {
        try await withFile(700_001) { file, _, content in
            try await withAPI(service(file)) { port in
                let client = try HTTPClientFixture(port: port)
                let ranges = [0..<700_001, 5..<6, 4095..<4097, 262_143..<524_289, 700_000..<700_001, 0..<262_144]
                let health = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
                for range in ranges {
                    let value = "bytes=\(range.lowerBound)-\(range.upperBound - 1)"
                    let get = "GET \(Self.path) HTTP/1.1\r\nHost: localhost\r\nRange: \(value)\r\n\r\n"
                    try await client.send(get + health)
                }
                for range in ranges {
                    #expect(try await client.response().body == Array(content[range]))
                    #expect(try await client.response().status == 200)
                }
            }
        }
    }

    @Test("A video that is removed while it is sent is sent to its end")
    func removed() async throws {
        try await withFile(10_000_000) { file, path, content in
            try await withAPI(service(file)) { port in
                let client = try HTTPClientFixture(port: port, receiveBuffer: 4096)
                try await client.send("GET", Self.path, headers: [("Connection", "close")])
                var received = try await client.read(1000)
                try FileManager.default.removeItem(atPath: path)
                received += try await client.readToEnd()
                #expect(received.suffix(content.count).elementsEqual(content))
            }
        }
    }

    @Test("A file that becomes shorter while it is sent ends the connection")
    func shortened() async throws {
        try await withFile(10_000_000) { file, path, content in
            try await withAPI(service(file), APISettings(idleTimeout: .seconds(1))) { port in
                let client = try HTTPClientFixture(port: port, receiveBuffer: 4096)
                try await client.send("GET", Self.path)
                let start = try await client.read(1000)
                try #require(truncate(path, 5_000_001) == 0)
                #expect(try await client.readToEnd().count + start.count < content.count)
            }
        }
    }

    #if os(Linux)
    @Test("Each response closes what it opened, whether its client stays or leaves")
    func descriptors() async throws {
        try await withFile(8_000_000) { file, path, content in
            try await withAPI(service(file)) { port in
                for leaves in [false, true, false, true] {
                    let client = try HTTPClientFixture(port: port, receiveBuffer: leaves ? 4096 : nil)
                    try await client.send("GET", Self.path)
                    if leaves {
                        _ = try await client.read(1000)
                        client.disconnect()
                    } else {
                        #expect(try await client.response().body.count == content.count)
                    }
                }
                // The one that is left is the store's.
                let deadline = ContinuousClock.now + .seconds(20)
                while try Self.descriptors(of: path) > 1 {
                    try #require(ContinuousClock.now < deadline, "a descriptor was not closed")
                    try await Task.sleep(for: .milliseconds(5))
                }
                #expect(try Self.descriptors(of: path) == 1)
                #expect(try await request(port, "GET", Self.path).body == content)
            }
        }
    }

    /// How many of this process's descriptors are of a file.
    private static func descriptors(of path: String) throws -> Int {
        let own = "/proc/self/fd"
        // The folder's name is of this test alone.
        let end = path.split(separator: "/").suffix(2).joined(separator: "/")
        return try FileManager.default.contentsOfDirectory(atPath: own).count { descriptor in
            (try? FileManager.default.destinationOfSymbolicLink(atPath: "\(own)/\(descriptor)"))
                .map { $0.hasSuffix(end) } ?? false
        }
    }
    #endif

    @Test("Where a connection sends no files, the bytes are sent")
    func unsupported() async throws {
        try await withFile(700_001) { file, _, content in
            // No handler of this channel knows of files.
            let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .bind(host: "127.0.0.1", port: 0).get()
            let sent = SentBytes()
            try await ResponseBody(file, 1..<700_001, over: channel).write(CollectingWriter(sent: sent))
            #expect(sent.bytes.withLock { $0 } == Array(content[1...]))
            try await channel.close()
        }
    }

    @Test("On a connection without TLS no byte of a file comes into this process, and with TLS each one does")
    func wayOfTheBytes() async throws {
        try await withFile(700_001) { file, _, content in
            for hasTLS in [false, true] {
                let sent = SentBytes()
                let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                    .childChannelInitializer { channel in
                        channel.eventLoop.makeCompletedFuture {
                            let pipeline = channel.pipeline.syncOperations
                            try pipeline.configureHTTPServerPipeline(
                                withPipeliningAssistance: false, withErrorHandling: false)
                            try pipeline.addHandler(HTTP1ToHTTPServerCodec(secure: hasTLS))
                            // What the server puts there itself.
                            try pipeline.addHandlers(channelHandlers(APISettings(), hasTLS: hasTLS, HTTPMetrics()))
                        }.map {
                            let head = HTTPResponse(
                                status: .ok,
                                headerFields: [
                                    .contentLength: "\(content.count)", .requestID: "a", .connection: "close",
                                ]
                            )
                            channel.writeAndFlush(HTTPResponsePart.head(head), promise: nil)
                            let body = channel.eventLoop.makeFutureWithTask {
                                let all = 0..<Int64(content.count)
                                try await ResponseBody(file, all, over: channel).write(CollectingWriter(sent: sent))
                            }
                            body.whenComplete { _ in channel.close(promise: nil) }
                        }
                    }
                    .bind(host: "127.0.0.1", port: 0).get()
                let client = try HTTPClientFixture(port: try #require(listener.localAddress?.port))
                let received = try await client.readToEnd()
                // The writer keeps what it gets, so that the client has what did not go through it.
                #expect(sent.bytes.withLock { $0 } == (hasTLS ? content : []))
                #expect((received.count > content.count) == !hasTLS)
                #expect(hasTLS || received.suffix(content.count).elementsEqual(content))
                try await listener.close()
            }
        }
    }

    @Test("A client that takes its time with a large piece is left in peace")
    func slow() async throws {
        try await withFile(2_000_000) { file, _, content in
            let handle = try file.handle()
            defer { try? handle.close() }
            let region = FileRegion(fileHandle: handle, readerIndex: 0, endIndex: content.count)
            let idleTimeout = Duration.seconds(2)
            let (listener, outcome) = try await Self.serve(region, idleTimeout: idleTimeout, sendBuffer: 32_768)
            let port = try #require(listener.localAddress?.port)
            let client = try HTTPClientFixture(port: port, receiveBuffer: 65_536)
            let start = ContinuousClock.now
            #expect(try await client.readSlowly(content.count, step: 20_000, pause: 0.025) == content.count)
            try await outcome.get()
            #expect(ContinuousClock.now - start > idleTimeout)
            try await listener.close()
        }
    }

    @Test("A client that does not take even a small piece is cut off")
    func stalled() async throws {
        // Less than what makes a connection count as full.
        try await withFile(60_000) { file, _, content in
            let handle = try file.handle()
            defer { try? handle.close() }
            let region = FileRegion(fileHandle: handle, readerIndex: 0, endIndex: content.count)
            let (listener, outcome) = try await Self.serve(region, idleTimeout: .milliseconds(200), sendBuffer: 4096)
            let port = try #require(listener.localAddress?.port)
            let client = try HTTPClientFixture(port: port, receiveBuffer: 4096)
            await #expect(throws: (any Error).self) { try await outcome.get() }
            #expect(try await client.readToEnd().count < content.count)
            try await listener.close()
        }
    }

    /// Sends one piece to the first who connects, over a connection for which the system keeps little.
    private static func serve(
        _ region: FileRegion,
        idleTimeout: Duration,
        sendBuffer: Int
    ) async throws -> (listener: any Channel, outcome: EventLoopFuture<Void>) {
        let outcome = MultiThreadedEventLoopGroup.singleton.any().makePromise(of: Void.self)
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelOption(.socketOption(.so_sndbuf), value: ChannelOptions.Types.SocketOption.Value(sendBuffer))
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    try pipeline.configureHTTPServerPipeline(withPipeliningAssistance: false, withErrorHandling: false)
                    try pipeline.addHandler(HTTP1ToHTTPServerCodec(secure: false))
                    try pipeline.addHandler(FilePieceHandler(idleTimeout: idleTimeout))
                }.map {
                    channel.eventLoop.execute {
                        let head = HTTPResponse(
                            status: .ok,
                            headerFields: [.contentLength: String(region.readableBytes)]
                        )
                        channel.write(HTTPResponsePart.head(head), promise: nil)
                        channel.triggerUserOutboundEvent(FilePiece(region: region)).cascade(to: outcome)
                    }
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        return (listener, outcome.futureResult)
    }
}

/// The body of a response.
private final class SentBytes: Sendable {
    let bytes = Mutex<[UInt8]>([])
}

private struct CollectingWriter: ResponseBodyWriter {
    let sent: SentBytes

    func write(_ buffer: ByteBuffer) async throws {
        sent.bytes.withLock { $0 += Array(buffer: buffer) }
    }

    func finish(_ trailingHeaders: HTTPFields?) async throws {}
}
