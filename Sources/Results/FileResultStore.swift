package import Foundation
package import Logging
import NIOCore
import NIOPosix
import Synchronization

/// Videos as files in a directory, under the hash of their content.
///
///     videos/3f/3f0c….mp4          finished, complete, synced; modified when it was last used
///     videos/3f/3f0c….json         its sidecar
///     videos/3f/3f0c….poster.jpg   a variant
///     staging/                     being written; what processes that died have left is removed
///     damaged/                     content did not match the name; the last few, for a person to look at
///     locks/                       held by processes in turn, where several share the directory
///
/// What changes or looks at the names of one video holds the lock of that name. Hence nothing is removed between the
/// moment a reader finds it and the moment it is marked as used, nothing that was just taken over is removed for what an
/// older inventory says of it, and no sidecar is swept away while its video is on its way. Reading and hashing hold no
/// lock: they go through a descriptor, which keeps the content whatever becomes of the name.
package final class FileResultStore: ResultStore {
    let root: String
    let logger: Logger
    let metrics = ResultsMetrics()
    /// For calls that take microseconds.
    let threads: NIOThreadPool
    /// For going through content, so that it delays nobody who only opens a file.
    let contentThreads: NIOThreadPool
    let uses = Mutex(VideoUses())
    let staging: StagingDirectory
    private let locks: NameLocks
    let now: @Sendable () -> Int64

    /// Opens the store in a directory, and creates what is missing there.
    ///
    /// - Parameters:
    ///   - directory: absolute path of an existing directory.
    ///   - isShared: other processes use the directory as well; else it is this one's alone.
    ///   - logger: for damaged files.
    ///   - now: milliseconds since 1970.
    /// - Throws: `full`, `unavailable`.
    package init(
        directory: String,
        isShared: Bool = false,
        logger: Logger,
        now: @escaping @Sendable () -> Int64 = WallClock.milliseconds
    ) throws(ResultStoreError) {
        root = directory
        self.logger = logger
        self.now = now
        try Disk.createDirectory("\(directory)/videos")
        try Disk.createDirectory("\(directory)/damaged")
        staging = try StagingDirectory("\(directory)/staging", isShared: isShared)
        locks = try NameLocks(64, sharedIn: isShared ? "\(directory)/locks" : nil)
        threads = NIOThreadPool(numberOfThreads: 2)
        contentThreads = NIOThreadPool(numberOfThreads: 2)
        threads.start()
        contentThreads.start()
    }

    /// Ends the store's threads; nothing may be asked afterwards.
    package func close() async throws {
        try await threads.shutdownGracefully()
        try await contentThreads.shutdownGracefully()
    }

    package func stagingPath(for name: String) -> String {
        staging.path(for: name)
    }

    package func adopt(_ stagingPath: String, sidecar: Data) async throws(ResultStoreError) -> StoredVideo {
        try await contentThreads.blocking { () throws(ResultStoreError) in
            defer { unlink(stagingPath) }
            let (file, sidecarPath) = (try Self.opened(stagingPath), self.staging.freshPath())
            defer { unlink(sidecarPath) }
            let name = try file.contentName()
            try file.sync()
            try Disk.write(sidecar, to: sidecarPath)
            try self.createFolder(of: name)
            try self.locked(name) { () throws(ResultStoreError) in
                let last = try Disk.status(of: self.path(of: name))
                file.touch(self.time(after: last?.modified))
                try Disk.move(sidecarPath, to: self.sidecarPath(of: name))
                try Disk.move(stagingPath, to: self.path(of: name))
                self.uses.withLock { $0.noteVerified(name, bytes: file.bytes) }
            }
            try Disk.syncDirectory(self.folder(of: name))
            return StoredVideo(name: name, bytes: file.bytes)
        }
    }

    package func video(_ name: VideoName) async throws(ResultStoreError) -> VideoContent? {
        let file = try await threads.blocking { () throws(ResultStoreError) in
            try self.locked(name) { () throws(ResultStoreError) in try self.used(name) }
        }
        guard let file else { return nil }
        try await check(file, name)
        return .file(file)
    }

    package func sidecar(of name: VideoName) async throws(ResultStoreError) -> Data? {
        try await threads.blocking { () throws(ResultStoreError) in
            guard let content = try VideoFile.open(self.sidecarPath(of: name))?.content() else { return nil }
            return Data(content.readableBytesView)
        }
    }

    package func contains(_ name: VideoName, bytes: Int64) async throws(ResultStoreError) -> Bool {
        try await threads.blocking { () throws(ResultStoreError) in
            try Disk.status(of: self.path(of: name))?.bytes == bytes
        }
    }

    package func variant(_ variant: VideoVariant, of name: VideoName) async throws(ResultStoreError) -> VideoContent? {
        try await threads.blocking { () throws(ResultStoreError) in
            try VideoFile.open(self.path(of: variant, of: name)).map(VideoContent.file)
        }
    }

    package func adopt(
        _ stagingPath: String,
        as variant: VideoVariant,
        of name: VideoName
    ) async throws(ResultStoreError) {
        try await contentThreads.blocking { () throws(ResultStoreError) in
            defer { unlink(stagingPath) }
            try Self.opened(stagingPath).sync()
            let isKept = try self.locked(name) { () throws(ResultStoreError) in
                guard try Disk.status(of: self.path(of: name)) != nil else { return false }
                try Disk.move(stagingPath, to: self.path(of: variant, of: name))
                return true
            }
            if isKept { try Disk.syncDirectory(self.folder(of: name)) }
        }
    }

    package func withLocalFile<Value: Sendable>(
        of name: VideoName,
        _ body: @Sendable (String) async -> Value
    ) async throws(ResultStoreError) -> Value? {
        let file = try await threads.blocking { () throws(ResultStoreError) in
            try self.locked(name) { () throws(ResultStoreError) in
                let file = try self.used(name)
                if file != nil { self.uses.withLock { $0.pin(name) } }
                return file
            }
        }
        guard let file else { return nil }
        defer { uses.withLock { $0.unpin(name) } }
        try await check(file, name)
        return await body(path(of: name))
    }

    // MARK: Parts

    /// Opens a video, whose name is locked, and marks it as used.
    private func used(_ name: VideoName) throws(ResultStoreError) -> VideoFile? {
        guard let file = try VideoFile.open(path(of: name)) else { return nil }
        let time = time(after: file.status.modified)
        // Where the mark cannot be written nothing can be removed either, and the reader does not care.
        if uses.withLock({ $0.needsMark(name, now: now()) }) { file.touch(time) }
        return file
    }

    /// Compares an open video with its name, unless that was done.
    private func check(_ file: VideoFile, _ name: VideoName) async throws(ResultStoreError) {
        guard !uses.withLock({ $0.isVerified(name, bytes: file.bytes) }) else { return }
        let isWhole = try await contentThreads.blocking { () throws(ResultStoreError) in
            // Of those that waited for a thread, the first has done it for all.
            if self.uses.withLock({ $0.isVerified(name, bytes: file.bytes) }) { return true }
            return try self.compare(file, name)
        }
        guard isWhole else { throw .damaged(name) }
    }

    /// Now, but later than something that has happened, whatever the clock says.
    private func time(after last: Int64?) -> Int64 {
        max(now(), last.map { $0 + 1 } ?? 0)
    }

    func locked<Value>(
        _ name: VideoName,
        _ body: () throws(ResultStoreError) -> Value
    ) throws(ResultStoreError) -> Value {
        try locks.locked(name.hex, body)
    }

    private static func opened(_ stagingPath: String) throws(ResultStoreError) -> VideoFile {
        guard let file = try VideoFile.open(stagingPath) else { throw Disk.failure("open", stagingPath) }
        return file
    }

    // MARK: Paths

    func folder(of name: VideoName) -> String {
        "\(root)/videos/\(name.hex.prefix(2))"
    }

    func path(of name: VideoName) -> String {
        "\(folder(of: name))/\(name.hex).mp4"
    }

    func sidecarPath(of name: VideoName) -> String {
        "\(folder(of: name))/\(name.hex).json"
    }

    func path(of variant: VideoVariant, of name: VideoName) -> String {
        "\(folder(of: name))/\(name.hex).\(variant.rawValue)"
    }

    private func createFolder(of name: VideoName) throws(ResultStoreError) {
        guard try Disk.status(of: folder(of: name)) == nil else { return }
        try Disk.createDirectory(folder(of: name))
        try Disk.syncDirectory("\(root)/videos")
    }
}
