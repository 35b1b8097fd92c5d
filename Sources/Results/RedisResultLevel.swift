import Crypto
package import Foundation
import NIOCore
import NIOPosix
package import Redis
import Synchronization

/// The most wanted of another store's small videos, kept in Redis for all machines together.
///
/// A video is kept once it was asked for often enough, on whichever machine, and let go when it was used longest ago.
/// What comes from Redis is compared with its name. Where Redis does not answer, the other store does. Uses are passed
/// on to the other store as `MemoryResultStore` passes them on.
package final class RedisResultLevel: ResultStore {
    private let base: any ResultStore
    private let shared: SharedVideos
    private let uses = Mutex(VideoUses())
    private let now: @Sendable () -> Int64

    /// - Parameters:
    ///   - base: keeps everything.
    ///   - commands: a client of its own, so that large replies keep nobody else waiting, with little patience.
    ///   - settings: how much is kept.
    ///   - now: milliseconds since 1970.
    package init(
        over base: any ResultStore,
        commands: any RedisCommands,
        settings: RedisLevelSettings = RedisLevelSettings(),
        now: @escaping @Sendable () -> Int64 = WallClock.milliseconds
    ) {
        self.base = base
        self.now = now
        shared = SharedVideos(commands, settings)
    }

    package func stagingPath(for name: String) -> String {
        base.stagingPath(for: name)
    }

    package func adopt(_ stagingPath: String, sidecar: Data) async throws(ResultStoreError) -> StoredVideo {
        let stored = try await base.adopt(stagingPath, sidecar: sidecar)
        await shared.restore(stored.name)
        return stored
    }

    package func video(_ name: VideoName) async throws(ResultStoreError) -> VideoContent? {
        let time = now()
        switch await shared.find(name) {
        case .missing(let askings):
            // The other store hears of this use in any case.
            _ = uses.withLock { $0.needsMark(name, now: time) }
            let found = try await base.video(name)
            await keep(name, found, askings)
            return found
        case .here(let content):
            guard await isWhole(content, name) else {
                await shared.remove(name, isGone: false)
                return try await base.video(name)
            }
            if uses.withLock({ $0.needsMark(name, now: time) }), try await !told(name) { return nil }
            return .memory(ByteBuffer(bytes: content))
        }
    }

    package func sidecar(of name: VideoName) async throws(ResultStoreError) -> Data? {
        try await base.sidecar(of: name)
    }

    package func contains(_ name: VideoName, bytes: Int64) async throws(ResultStoreError) -> Bool {
        try await base.contains(name, bytes: bytes)
    }

    package func variant(_ variant: VideoVariant, of name: VideoName) async throws(ResultStoreError) -> VideoContent? {
        try await base.variant(variant, of: name)
    }

    package func adopt(
        _ stagingPath: String,
        as variant: VideoVariant,
        of name: VideoName
    ) async throws(ResultStoreError) {
        try await base.adopt(stagingPath, as: variant, of: name)
    }

    package func withLocalFile<Value: Sendable>(
        of name: VideoName,
        _ body: @Sendable (String) async -> Value
    ) async throws(ResultStoreError) -> Value? {
        do throws(ResultStoreError) {
            return try await base.withLocalFile(of: name, body)
        } catch {
            if case .damaged = error { await forget(name) }
            throw error
        }
    }

    package func usage(oldest: Int) async throws(ResultStoreError) -> ResultUsage {
        uses.withLock { $0.beginInventory() }
        defer { uses.withLock { $0.endInventory() } }
        return try await base.usage(oldest: oldest)
    }

    package func remove(_ video: KeptVideo) async throws(ResultStoreError) -> Bool {
        let isGone = try await base.remove(video)
        if isGone { await forget(video.name) }
        return isGone
    }

    package func verify(_ name: VideoName) async throws(ResultStoreError) -> Bool {
        let isWhole = try await base.verify(name)
        if !isWhole { await forget(name) }
        return isWhole
    }

    // MARK: Reading

    /// Keeps what the other store found, if it is worth that.
    private func keep(_ name: VideoName, _ found: VideoContent?, _ askings: Int) async {
        guard case .file(let file) = found, shared.admits(bytes: file.bytes, askings: askings) else { return }
        // A file that cannot be read now is handed over as it is; its reader will meet the error.
        let content = try? await NIOThreadPool.singleton.runIfActive { try file.content() }
        if let content { await shared.insert(name, content) }
    }

    /// Passes a use on.
    ///
    /// - Returns: whether the other store has the video; if it does not answer, what is shared is good.
    private func told(_ name: VideoName) async throws(ResultStoreError) -> Bool {
        do throws(ResultStoreError) {
            if try await base.video(name) != nil { return true }
            await forget(name)
            return false
        } catch {
            guard case .damaged = error else { return true }
            await forget(name)
            throw error
        }
    }

    private func forget(_ name: VideoName) async {
        uses.withLock { $0.forget(name) }
        await shared.remove(name, isGone: true)
    }

    private func isWhole(_ content: [UInt8], _ name: VideoName) async -> Bool {
        let hash = try? await NIOThreadPool.singleton.runIfActive { VideoName(SHA256.hash(data: content)) }
        return hash == name
    }
}
