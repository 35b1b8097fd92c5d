import AsyncHTTPClient
import Foundation
import Logging
import NIOCore
import NIOHTTP1
import TestSupport
import Testing

@testable import Results

@Suite("S3 result store", .enabled(if: S3ServerFixture.isAvailable))
struct S3ResultStoreTests {
    private let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    @Test("The S3 store keeps the contract", arguments: ResultStoreConformance.all)
    func conformance(behaviour: ResultStoreConformance) async throws {
        try await conform(behaviour) { $0 }
    }

    @Test("The memory level over the S3 store keeps the contract", arguments: ResultStoreConformance.all)
    func memoryConformance(behaviour: ResultStoreConformance) async throws {
        try await conform(behaviour) { MemoryResultStore(over: $0) }
    }

    private func conform(
        _ behaviour: ResultStoreConformance,
        _ level: @escaping @Sendable (S3ResultStore) -> any ResultStore
    ) async throws {
        try await withWorld { _, store, open in
            let world = ResultStoreConformance.World(
                store: level(store),
                reopen: { level(try await open()) },
                damage: { name, content in
                    let key = store.key(of: name, "mp4")
                    try await store.client.send(S3Request(method: .PUT, key: key, body: S3Request.bytes(content)))
                },
                read: VideoContentReader.read
            )
            try await behaviour.check(world)
        }
    }

    @Test("A video is sent in parts, each with its hash, and is the same at the other end")
    func parts() async throws {
        try await withWorld { _, store, _ in
            let server = try await S3ServerFixture.running()
            let content = Data((0..<(36 << 20)).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ $0 >> 8) })
            let stored = try await keep(content, in: store)
            #expect(try await store.verify(stored.name))
            let video = try #require(try await store.video(stored.name))
            #expect(try await VideoContentReader.read(video) == content)
            let key = store.key(of: stored.name, "mp4")
            #expect(try await server.count("PUT", of: "\(key)?partNumber") == 3)
            #expect(try await store.usage(oldest: 1).bytes == 36 << 20 | 2)
        }
    }

    @Test("An upload in parts that fails is given up, and leaves nothing behind")
    func givenUp() async throws {
        try await withWorld { settings, store, _ in
            let server = try await S3ServerFixture.running()
            let content = Data(repeating: 9, count: 17 << 20) + Data(UUID().uuidString.utf8)
            let name = try #require(VideoName(content.sha256))
            try await server.fail("PUT", of: "\(name).mp4?partNumber=2", with: "403")
            await #expect(throws: ResultStoreError.self) { try await keep(content, in: store) }
            #expect(try await server.count("DELETE", of: "\(name).mp4?uploadId") == 1)
            let open = try await store.client.send(S3Request(method: .GET, key: "", query: [("uploads", "")]))
            #expect(!open.text.contains("<Upload>"))
            #expect(try await store.usage(oldest: 1).videos == 0)
            #expect(try FileManager.default.contentsOfDirectory(atPath: stagingDirectory(of: store)).isEmpty)
        }
    }

    @Test("What the service cannot do for a moment is tried again", arguments: ["500", "503", "429"])
    func again(status: String) async throws {
        try await withWorld { _, store, _ in
            let server = try await S3ServerFixture.running()
            let content = Data(UUID().uuidString.utf8)
            let name = try #require(VideoName(content.sha256))
            for method in ["PUT", "HEAD"] { try await server.fail(method, of: "\(name).mp4", with: status, times: 2) }
            try await server.fail("PUT", of: "\(name).json", with: status)
            #expect(try await keep(content, in: store).name == name)
            #expect(try await store.video(name) != nil)
            #expect(try await server.count("PUT", of: "\(name).mp4") == 3)
        }
    }

    @Test("What the service refuses is told at once, and what is full as full", arguments: ["403", "507"])
    func refused(status: String) async throws {
        try await withWorld { _, store, _ in
            let server = try await S3ServerFixture.running()
            let content = Data(UUID().uuidString.utf8)
            let name = try #require(VideoName(content.sha256))
            try await server.fail("PUT", of: "\(name).mp4", with: status)
            let error = await #expect(throws: ResultStoreError.self) { try await keep(content, in: store) }
            #expect(error?.code == (status == "507" ? "disk_full" : "results_unavailable"))
            #expect(try await server.count("PUT", of: "\(name).mp4") == 1)
        }
    }

    @Test("A download that is cut is started again, and is whole")
    func cut() async throws {
        try await withWorld { _, store, _ in
            let server = try await S3ServerFixture.running()
            let content = Data(repeating: 3, count: 300_000) + Data(UUID().uuidString.utf8)
            let stored = try await keep(content, in: store)
            try await server.fail("GET", of: "\(stored.name).mp4", with: "cut", times: 2)
            #expect(try await store.verify(stored.name))
            try await server.fail("GET", of: "\(stored.name).mp4", with: "cut", times: 2)
            let whole = try await store.withLocalFile(of: stored.name) {
                try? Data(contentsOf: URL(fileURLWithPath: $0))
            }
            #expect(whole == content)
            #expect(try FileManager.default.contentsOfDirectory(atPath: stagingDirectory(of: store)).isEmpty)
        }
    }

    /// Replaces "video" by "videa", with the length and the hash of before stored with it.
    private func damage(_ name: VideoName, in store: S3ResultStore) async throws {
        try await store.client.send(
            S3Request(
                method: .PUT,
                key: store.key(of: name, "mp4"),
                headers: [("x-amz-meta-bytes", "5"), ("x-amz-meta-sha256", name.hex)],
                body: S3Request.bytes(Data("videa".utf8))
            )
        )
    }

    @Test("A flipped byte that the stored hash does not show is found by verifying, and set aside")
    func hiddenDamage() async throws {
        try await withWorld { settings, store, open in
            let stored = try await keep(Data("video".utf8), in: store)
            try await damage(stored.name, in: store)
            let reopened = try await open()
            #expect(try await !reopened.verify(stored.name))
            #expect(try await reopened.video(stored.name) == nil)
            let aside = try await store.client.send(
                S3Request(method: .GET, key: "\(settings.prefix)damaged/\(stored.name).mp4")
            )
            #expect(aside.text == "videa")
        }
    }

    @Test("A flipped byte that the stored hash does not show is found after a start, before an address is given away")
    func hiddenDamageServed() async throws {
        try await withWorld { _, store, open in
            let stored = try await keep(Data("video".utf8), in: store)
            try await damage(stored.name, in: store)
            let reopened = try await open()
            await #expect(throws: ResultStoreError.damaged(stored.name)) { try await reopened.video(stored.name) }
            #expect(try await reopened.video(stored.name) == nil)
        }
    }

    @Test("The content of a video is read once after a start, and not by the process that has uploaded it")
    func comparedOnce() async throws {
        try await withWorld { _, store, open in
            let server = try await S3ServerFixture.running()
            let stored = try await keep(Data(UUID().uuidString.utf8), in: store)
            #expect(try await store.video(stored.name) != nil)
            #expect(try await server.count("GET", of: "\(stored.name).mp4") == 0)
            let reopened = try await open()
            for _ in 0..<3 { #expect(try await reopened.video(stored.name) != nil) }
            #expect(try await server.count("GET", of: "\(stored.name).mp4") == 1)
        }
    }

    @Test("A local file is compared with its name")
    func damagedLocalFile() async throws {
        try await withWorld { _, store, _ in
            let stored = try await keep(Data("video".utf8), in: store)
            try await damage(stored.name, in: store)
            await #expect(throws: ResultStoreError.damaged(stored.name)) {
                try await store.withLocalFile(of: stored.name) { _ in true }
            }
        }
    }

    @Test("A video that was just found is not asked for again")
    func recent() async throws {
        try await withWorld { _, store, _ in
            let server = try await S3ServerFixture.running()
            let stored = try await keep(Data(UUID().uuidString.utf8), in: store)
            for _ in 0..<5 {
                #expect(try await store.contains(stored.name, bytes: stored.bytes))
                #expect(try await store.video(stored.name) != nil)
            }
            #expect(try await server.count("HEAD", of: "\(stored.name).mp4") == 1)
        }
    }

    @Test("A service that is not there is told after the last attempt, and is no lost video")
    func unreachable() async throws {
        try await withTemporaryDirectory { directory in
            let endpoint = try #require(S3Endpoint("http://127.0.0.1:1"))
            let credentials = S3Credentials(accessKey: "key", secretKey: "secret")
            let settings = S3Settings(endpoint: endpoint, bucket: "b", credentials: credentials, usesPathStyle: true)
            let store = try S3ResultStore(settings: settings, directory: directory, logger: logger)
            let name = try #require(VideoName(String(repeating: "0", count: 64)))
            let error = await #expect(throws: ResultStoreError.self) { try await store.contains(name, bytes: 1) }
            #expect(error?.code == "results_unavailable")
            try await store.close()
        }
    }

    @Test("A bucket that is named in the host is the same bucket")
    func hostStyle() async throws {
        try await withWorld { settings, store, _ in
            let stored = try await keep(Data("video".utf8), in: store)
            let port = try await S3ServerFixture.running().port
            var byHost = settings
            byHost.usesPathStyle = false
            byHost.endpoint = try #require(S3Endpoint("http://s3.amazonaws.com:\(port)"))
            var configuration = HTTPClient.Configuration()
            configuration.dnsOverride = ["\(settings.bucket).s3.amazonaws.com": "127.0.0.1"]
            let http = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
            let client = S3Client(settings: byHost, http: http)
            let key = store.key(of: stored.name, "mp4")
            let read = try? await client.send(S3Request(method: .GET, key: key))
            let linked = try? await http.execute(HTTPClientRequest(url: client.link(to: key)), timeout: .seconds(30))
            try await http.shutdown()
            #expect(read?.text == "video")
            #expect(linked?.status == .ok)
        }
    }

    @Test("A bucket that is not there is told as such")
    func noBucket() async throws {
        try await withWorld { _, store, _ in
            try await store.checkBucket()
        }
        try await withTemporaryDirectory { directory in
            let settings = try await S3ServerFixture.running().settings(bucket: "nobody-made-this")
            let store = try S3ResultStore(settings: settings, directory: directory, logger: logger)
            await #expect(throws: ResultStoreError.unavailable("the S3 service answers 404 NoSuchBucket to GET")) {
                try await store.checkBucket()
            }
            try await store.close()
        }
    }

    @Test("An inventory of more than one page counts every video once")
    func pages() async throws {
        try await withWorld { settings, store, _ in
            let names = try (0..<520).map { number in
                try #require(VideoName(Data("\(number)".utf8).sha256))
            }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for start in 0..<8 {
                    group.addTask {
                        for name in stride(from: start, to: names.count, by: 8).map({ names[$0] }) {
                            for ending in ["mp4", "json"] {
                                let body = S3Request.bytes(Data("12".utf8))
                                let key = store.key(of: name, ending)
                                try await store.client.send(S3Request(method: .PUT, key: key, body: body))
                            }
                        }
                    }
                }
                try await group.waitForAll()
            }
            let usage = try await store.usage(oldest: 7)
            #expect(usage.videos == 520)
            #expect(usage.bytes == 520 * 4)
            #expect(usage.oldest.count == 7)
        }
    }

    // MARK: Worlds

    private func keep(_ content: Data, in store: any ResultStore) async throws -> StoredVideo {
        let path = store.stagingPath(for: UUID().uuidString)
        try content.write(to: URL(fileURLWithPath: path))
        return try await store.adopt(path, sidecar: Data("{}".utf8))
    }

    private func stagingDirectory(of store: S3ResultStore) -> String {
        URL(fileURLWithPath: store.stagingPath(for: "a")).deletingLastPathComponent().path(percentEncoded: false)
    }

    /// Runs a body with a store on a bucket of its own, and with what opens a store on it again.
    private func withWorld(
        _ body: (S3Settings, S3ResultStore, @escaping @Sendable () async throws -> S3ResultStore) async throws -> Void
    ) async throws {
        try await withTemporaryDirectory { directory in
            let settings = try await S3ServerFixture.running().bucket()
            let opened = OpenS3Stores(settings: settings, directory: directory, logger: logger)
            let store = try await opened.open()
            do {
                try await body(settings, store) { try await opened.open() }
            } catch {
                try await opened.close()
                throw error
            }
            try await opened.close()
        }
    }
}

/// Stores of one bucket, closed together.
private actor OpenS3Stores {
    private let settings: S3Settings
    private let directory: String
    private let logger: Logger
    private var stores: [S3ResultStore] = []

    init(settings: S3Settings, directory: String, logger: Logger) {
        self.settings = settings
        self.directory = directory
        self.logger = logger
    }

    func open() throws -> S3ResultStore {
        let store = try S3ResultStore(settings: settings, directory: directory, logger: logger)
        stores.append(store)
        return store
    }

    func close() async throws {
        for store in stores { try await store.close() }
        stores = []
    }
}
