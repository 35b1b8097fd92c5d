import AsyncHTTPClient
import Crypto
package import Foundation
package import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// Videos as objects of an S3-compatible service, under the hash of their content.
///
///     <prefix>videos/3f/3f0c….mp4          the video
///     <prefix>videos/3f/3f0c….json         its sidecar
///     <prefix>videos/3f/3f0c….poster.jpg   a variant
///     <prefix>damaged/3f0c….mp4            content did not match the name; the last few, for a person to look at
///
/// Clients fetch videos from the service itself, by an address that is good for a while. Where this differs from files:
///
/// - The content of a video is read and compared with its name when this process first gives its address away, unless it
///   uploaded the video itself; afterwards, only its length and its hash as they were stored with it are.
/// - A use that is later than the upload is known to the process that saw it and until it ends; for all others, what was
///   uploaded last was used last.
/// - A removal looks first and removes then. If another process uploads the video in between, that upload is lost, and
///   the video is made anew when somebody asks for it.
/// - What was found is taken to be there for ten seconds.
package final class S3ResultStore: ResultStore {
    let client: S3Client
    let prefix: String
    let logger: Logger
    let metrics = ResultsMetrics()
    let memory = Mutex(S3Memory())
    private let http: HTTPClient
    private let staging: StagingDirectory
    /// For going through content.
    private let threads: NIOThreadPool

    /// - Parameters:
    ///   - settings: the service and the bucket.
    ///   - directory: absolute path of an existing directory, for files that are being written; one process at a time.
    ///   - logger: for damaged videos.
    /// - Throws: `full`, `unavailable`, both of the directory.
    package init(settings: S3Settings, directory: String, logger: Logger) throws(ResultStoreError) {
        staging = try StagingDirectory("\(directory)/staging")
        prefix = settings.prefix
        self.logger = logger
        threads = NIOThreadPool(numberOfThreads: 2)
        threads.start()
        http = S3Client.makeHTTP()
        client = S3Client(settings: settings, http: http)
    }

    /// Ends connections and threads; nothing may be asked afterwards.
    package func close() async throws {
        try await http.shutdown()
        try await threads.shutdownGracefully()
    }

    /// Asks for the bucket, so that a wrong setting is told at start.
    ///
    /// - Throws: `unavailable`.
    package func checkBucket() async throws(ResultStoreError) {
        let query = [("list-type", "2"), ("max-keys", "1"), ("prefix", prefix)]
        try await client.send(S3Request(method: .GET, key: "", query: query)).expectFound("a listing")
    }

    package func stagingPath(for name: String) -> String {
        staging.path(for: name)
    }

    package func adopt(_ stagingPath: String, sidecar: Data) async throws(ResultStoreError) -> StoredVideo {
        defer { unlink(stagingPath) }
        let (file, name, hashes) = try await hashed(stagingPath)
        try await S3Upload(
            client: client,
            file: file,
            key: key(of: name, "mp4"),
            headers: [
                ("content-type", "video/mp4"), ("x-amz-meta-bytes", String(file.bytes)),
                ("x-amz-meta-sha256", name.hex),
            ],
            hashes: hashes
        ).run()
        // Only now: what belongs to no video may be swept away.
        try await client.send(
            S3Request(
                method: .PUT,
                key: key(of: name, "json"),
                headers: [("content-type", "application/json")],
                body: S3Request.bytes(sidecar)
            )
        ).expectFound("PUT")
        memory.withLock { memory in
            memory.noteUse(name, now: WallClock.milliseconds(), uploaded: nil)
            // The service has compared each part with its checksum.
            memory.noteVerified(name)
        }
        return StoredVideo(name: name, bytes: file.bytes)
    }

    package func video(_ name: VideoName) async throws(ResultStoreError) -> VideoContent? {
        guard let bytes = try await find(name) else { return nil }
        if !memory.withLock({ $0.isVerified(name) }) {
            guard let isWhole = try await compare(name) else { return nil }
            guard isWhole else { throw .damaged(name) }
        }
        return .elsewhere(url: client.link(to: key(of: name, "mp4")), bytes: bytes)
    }

    package func sidecar(of name: VideoName) async throws(ResultStoreError) -> Data? {
        let answer = try await client.send(S3Request(method: .GET, key: key(of: name, "json")))
        return answer.isFound ? Data(answer.body.readableBytesView) : nil
    }

    package func contains(_ name: VideoName, bytes: Int64) async throws(ResultStoreError) -> Bool {
        guard let head = try await recentHead(of: name) else { return false }
        return head.isWhole && head.bytes == bytes
    }

    package func variant(_ variant: VideoVariant, of name: VideoName) async throws(ResultStoreError) -> VideoContent? {
        let key = key(of: name, variant.rawValue)
        let answer = try await client.send(S3Request(method: .HEAD, key: key))
        guard answer.isFound else { return nil }
        return .elsewhere(url: client.link(to: key), bytes: try answer.contentLength)
    }

    package func adopt(
        _ stagingPath: String,
        as variant: VideoVariant,
        of name: VideoName
    ) async throws(ResultStoreError) {
        defer { unlink(stagingPath) }
        let (file, _, hashes) = try await hashed(stagingPath)
        guard try await head(of: name) != nil else { return }
        let headers = [("content-type", variant.mediaType)]
        let key = key(of: name, variant.rawValue)
        try await S3Upload(client: client, file: file, key: key, headers: headers, hashes: hashes).run()
    }

    package func withLocalFile<Value: Sendable>(
        of name: VideoName,
        _ body: @Sendable (String) async -> Value
    ) async throws(ResultStoreError) -> Value? {
        guard let bytes = try await find(name) else { return nil }
        let path = staging.freshPath()
        defer { unlink(path) }
        let copy = try await client.read(key(of: name, "mp4"), bytes: bytes) { () throws(ResultStoreError) in
            try Disk.remove(path)
            return (file: try NewFile(path), hash: ContentHash())
        } _: { [threads] copy, chunk in
            try await threads.blocking { () throws(ResultStoreError) in
                try copy.file.append(chunk)
                copy.hash.update(chunk)
            }
        }
        guard let copy else { return nil }
        guard copy.hash.name == name else {
            try await setAside(name)
            throw .damaged(name)
        }
        return await body(path)
    }

    package func verify(_ name: VideoName) async throws(ResultStoreError) -> Bool {
        try await compare(name) ?? false
    }

    /// Compares a video's content with its name, and sets it aside if they differ.
    ///
    /// - Returns: whether they agree; `nil` if there is no such video.
    private func compare(_ name: VideoName) async throws(ResultStoreError) -> Bool? {
        guard let head = try await head(of: name) else { return nil }
        let hash = try await client.read(key(of: name, "mp4"), bytes: head.bytes) {
            ContentHash()
        } _: { [threads] hash, chunk in
            try await threads.blocking { () throws(ResultStoreError) in hash.update(chunk) }
        }
        guard let hash else { return nil }
        if hash.name == name, head.isWhole {
            memory.withLock { $0.noteVerified(name) }
            return true
        }
        try await setAside(name)
        return false
    }

    // MARK: Parts

    /// The length of a video; counts as a use.
    private func find(_ name: VideoName) async throws(ResultStoreError) -> Int64? {
        guard let head = try await recentHead(of: name) else { return nil }
        guard head.isWhole else {
            try await setAside(name)
            throw .damaged(name)
        }
        memory.withLock { $0.noteUse(name, now: WallClock.milliseconds(), uploaded: head.modified) }
        return head.bytes
    }

    /// What the service says of a video, or said of a whole one a moment ago.
    private func recentHead(of name: VideoName) async throws(ResultStoreError) -> S3Head? {
        let now = WallClock.milliseconds()
        if let head = memory.withLock({ $0.head(of: name, now: now) }) { return head }
        guard let head = try await head(of: name) else { return nil }
        if head.isWhole { memory.withLock { $0.noteFound(name, head, now: now) } }
        return head
    }

    private func head(of name: VideoName) async throws(ResultStoreError) -> S3Head? {
        let answer = try await client.send(S3Request(method: .HEAD, key: key(of: name, "mp4")))
        return answer.isFound ? try S3Head(answer, of: name) : nil
    }

    /// Opens what was written, and hashes it and its parts in one pass.
    private func hashed(_ path: String) async throws(ResultStoreError) -> (VideoFile, VideoName, [String]) {
        try await threads.blocking { () throws(ResultStoreError) in
            guard let file = try VideoFile.open(path) else { throw Disk.failure("open", path) }
            var hashes = PartHashes(partBytes: Int(S3Upload.partBytes))
            try file.forEachChunk { hashes.update($0) }
            let (name, parts) = hashes.finish()
            return (file, name, parts)
        }
    }

    /// The key of a video or of what belongs to it.
    func key(of name: VideoName, _ ending: String) -> String {
        "\(prefix)videos/\(name.hex.prefix(2))/\(name.hex).\(ending)"
    }
}

/// The hash of chunks that come one after the other.
private final class ContentHash: Sendable {
    private let hash = Mutex(SHA256())

    func update(_ chunk: ByteBuffer) {
        chunk.withUnsafeReadableBytes { bytes in hash.withLock { $0.update(bufferPointer: bytes) } }
    }

    var name: VideoName { VideoName(hash.withLock { $0.finalize() }) }
}
