import NIOPosix

/// Uploaded files, under the hash of their content.
///
///     media/3f/3f0c…    complete, synced; modified when it was last brought
///     media/staging/    being written; what processes that died have left is removed
///     media/locks/      held by processes in turn, where several share the directory
///
/// Names are SHA-256 in lower-case hexadecimal. Whoever asks for another name is told that there is no such file.
package final class FileMediaStore: Sendable {
    private let root: String
    private let threads: NIOThreadPool
    private let staging: StagingDirectory
    private let now: @Sendable () -> Int64
    /// Held while a file comes to its name and while one is removed: a few file system calls.
    private let locks: NameLocks

    /// Opens the store in a directory, and creates what is missing there.
    ///
    /// - Parameters:
    ///   - directory: absolute path of an existing directory.
    ///   - isShared: other processes use the directory as well; else it is this one's alone.
    ///   - now: milliseconds since 1970.
    /// - Throws: `full`, `unavailable`.
    package init(
        directory: String,
        isShared: Bool = false,
        now: @escaping @Sendable () -> Int64 = WallClock.milliseconds
    ) throws(ResultStoreError) {
        root = "\(directory)/media"
        self.now = now
        try Disk.createDirectory(root)
        staging = try StagingDirectory("\(root)/staging", isShared: isShared)
        locks = try NameLocks(1, sharedIn: isShared ? "\(root)/locks" : nil)
        threads = NIOThreadPool(numberOfThreads: 2)
        threads.start()
    }

    /// Ends the store's threads; nothing may be asked afterwards.
    package func close() async throws {
        try await threads.shutdownGracefully()
    }

    /// Begins a file; `adopt` or `discard` ends it.
    package func newFile() async throws(ResultStoreError) -> StagedMedia {
        let path = staging.freshPath()
        return try await threads.blocking { [threads] () throws(ResultStoreError) in
            try StagedMedia(path: path, threads: threads)
        }
    }

    /// Gives a finished file its name; two writers of one content both succeed.
    ///
    /// - Throws: `full`, `unavailable`; the file is then still staged.
    package func adopt(_ file: StagedMedia) async throws(ResultStoreError) {
        guard let hex = file.name else { throw .unavailable("the file is not finished") }
        let (target, folder) = (path(of: hex), folder(of: hex))
        try await threads.blocking { () throws(ResultStoreError) in
            if try Disk.status(of: folder) == nil {
                try Disk.createDirectory(folder)
                try Disk.syncDirectory(self.root)
            }
            try self.locks.locked(hex) { () throws(ResultStoreError) in
                let last = try Disk.status(of: target)?.modified
                file.touch(max(self.now(), last.map { $0 + 1 } ?? 0))
                try Disk.move(file.path, to: target)
            }
            try Disk.syncDirectory(folder)
        }
    }

    /// Where the file of a name is, or would be.
    package func path(of hex: String) -> String {
        Self.isName(hex) ? "\(folder(of: hex))/\(hex)" : "\(root)/none"
    }

    /// Whether there is a file of that name.
    package func contains(_ hex: String) async throws(ResultStoreError) -> Bool {
        guard Self.isName(hex) else { return false }
        let path = path(of: hex)
        return try await threads.blocking { () throws(ResultStoreError) in try Disk.status(of: path) != nil }
    }

    /// Removes a file, unless it was brought again later than a moment.
    ///
    /// - Parameters:
    ///   - hex: its name.
    ///   - moment: milliseconds since 1970.
    /// - Returns: whether it is gone.
    /// - Throws: `unavailable`.
    package func remove(_ hex: String, unusedSince moment: Int64) async throws(ResultStoreError) -> Bool {
        guard Self.isName(hex) else { return true }
        let path = path(of: hex)
        return try await threads.blocking { () throws(ResultStoreError) in
            try self.locks.locked(hex) { () throws(ResultStoreError) in
                guard let status = try Disk.status(of: path) else { return true }
                guard status.modified <= moment else { return false }
                try Disk.remove(path)
                return true
            }
        }
    }

    /// Removes what processes that died have left while they wrote, where others write here.
    ///
    /// - Throws: `unavailable`.
    package func clearLeftovers() async throws(ResultStoreError) {
        try await threads.blocking { [staging] () throws(ResultStoreError) in try staging.clearLeftovers() }
    }

    /// The names of files, in their order, some at a time.
    ///
    /// - Parameters:
    ///   - last: only those behind this name.
    ///   - limit: how many.
    /// - Returns: the names; fewer than `limit` at the end.
    /// - Throws: `unavailable`.
    package func names(after last: String?, limit: Int) async throws(ResultStoreError) -> [String] {
        var found: [String] = []
        let first = last.flatMap { UInt8($0.prefix(2), radix: 16) } ?? 0
        for folder in first...UInt8.max where found.count < limit {
            let path = "\(root)/\([folder].hexadecimal)"
            let names = try await threads.blocking { () throws(ResultStoreError) in
                try Disk.names(in: path).filter { Self.isName($0) && $0 > last ?? "" }.sorted()
            }
            found += names.prefix(limit - found.count)
        }
        return found
    }

    private func folder(of hex: String) -> String {
        "\(root)/\(hex.prefix(2))"
    }

    private static func isName(_ text: String) -> Bool {
        VideoName(text) != nil
    }
}
