package import Foundation
import NIOCore
import NIOPosix
import Synchronization

/// The hottest videos of another store, kept in memory as a whole.
///
/// Only what the other store gives as a file or from a memory of its own is kept. A use that is answered from memory is passed on once a minute at
/// most, and besides during and right after each inventory: so the other store knows what was used last, and refuses to
/// remove what was used since an inventory.
package final class MemoryResultStore: ResultStore {
    /// Videos that are being read into memory at a time; what comes on top is served from its file.
    private static let loadLimit = 2

    private let base: any ResultStore
    private let state: Mutex<State>
    private let now: @Sendable () -> Int64
    private let metrics = ResultsMetrics()

    /// - Parameters:
    ///   - base: keeps everything.
    ///   - settings: how much is kept in memory.
    ///   - now: milliseconds since 1970.
    package init(
        over base: any ResultStore,
        settings: MemoryLevelSettings = MemoryLevelSettings(),
        now: @escaping @Sendable () -> Int64 = WallClock.milliseconds
    ) {
        self.base = base
        self.now = now
        state = Mutex(State(hot: HotSet(settings)))
    }

    package func stagingPath(for name: String) -> String {
        base.stagingPath(for: name)
    }

    package func adopt(_ stagingPath: String, sidecar: Data) async throws(ResultStoreError) -> StoredVideo {
        try await base.adopt(stagingPath, sidecar: sidecar)
    }

    package func video(_ name: VideoName) async throws(ResultStoreError) -> VideoContent? {
        let time = now()
        switch state.withLock({ $0.find(name, now: time) }) {
        case .here(let content):
            metrics.readFromMemory()
            return .memory(content)
        case .hereToTell(let content):
            guard try await told(name) else { return read(nil) }
            metrics.readFromMemory()
            return .memory(content)
        case .first(let load): return read(try await loaded(name, load))
        case .following: return read(try await followed(name))
        }
    }

    package func sidecar(of name: VideoName) async throws(ResultStoreError) -> Data? {
        try await base.sidecar(of: name)
    }

    package func contains(_ name: VideoName, bytes: Int64) async throws(ResultStoreError) -> Bool {
        if state.withLock({ $0.hot.bytes(of: name) }) == bytes { return true }
        return try await base.contains(name, bytes: bytes)
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
            if case .damaged = error { forget(name) }
            throw error
        }
    }

    package func usage(oldest: Int) async throws(ResultStoreError) -> ResultUsage {
        state.withLock { $0.uses.beginInventory() }
        defer { state.withLock { $0.uses.endInventory() } }
        return try await base.usage(oldest: oldest)
    }

    package func remove(_ video: KeptVideo) async throws(ResultStoreError) -> Bool {
        let isGone = try await base.remove(video)
        if isGone { forget(video.name) }
        return isGone
    }

    package func verify(_ name: VideoName) async throws(ResultStoreError) -> Bool {
        let isWhole = try await base.verify(name)
        if !isWhole { forget(name) }
        return isWhole
    }

    // MARK: Reading

    /// Counts what was asked of the other store.
    private func read(_ found: VideoContent?) -> VideoContent? {
        if case .memory = found { metrics.readFromShared() } else { metrics.readFromStore(isThere: found != nil) }
        return found
    }

    /// Passes a use on.
    ///
    /// - Returns: whether the other store has the video; if it does not answer, what is in memory is good.
    private func told(_ name: VideoName) async throws(ResultStoreError) -> Bool {
        do throws(ResultStoreError) {
            if try await base.video(name) != nil { return true }
            forget(name)
            return false
        } catch {
            guard case .damaged = error else { return true }
            forget(name)
            throw error
        }
    }

    /// Finds a video that is not in memory, and reads it into memory if it is worth that.
    ///
    /// The load was registered before the other store was asked: if the video is removed meanwhile, the load is not
    /// registered any more and the content is not kept.
    private func loaded(_ name: VideoName, _ load: Int) async throws(ResultStoreError) -> VideoContent? {
        var content: ByteBuffer?
        defer { finish(name, load, content) }
        let found = try await base.video(name)
        if case .memory(let shared) = found { content = shared }
        guard case .file(let file) = found, state.withLock({ $0.beginsReading(name, file.bytes, load) }) else {
            return found
        }
        // A file that cannot be read now is handed over as it is; its reader will meet the error.
        content = try? await NIOThreadPool.singleton.blocking { () throws(ResultStoreError) in try file.content() }
        return content.map(VideoContent.memory) ?? found
    }

    /// Finds a video that another reader is loading.
    private func followed(_ name: VideoName) async throws(ResultStoreError) -> VideoContent? {
        let found = try await base.video(name)
        guard case .file = found else { return found }
        let content: ByteBuffer? = await withCheckedContinuation { continuation in
            let ended = state.withLock { state -> ByteBuffer?? in
                guard state.loads[name] != nil else { return .some(state.hot.content(of: name)) }
                state.loads[name]?.followers.append(continuation)
                return .none
            }
            if let ended { continuation.resume(returning: ended) }
        }
        return content.map(VideoContent.memory) ?? found
    }

    /// Ends a load: keeps the content, unless the video was removed, and hands it to those that wait.
    private func finish(_ name: VideoName, _ load: Int, _ content: ByteBuffer?) {
        let followers = state.withLock { state in
            guard let ended = state.loads[name], ended.number == load else { return [Follower]() }
            state.loads[name] = nil
            if let content { state.hot.insert(name, content) }
            return ended.followers
        }
        for follower in followers { follower.resume(returning: content) }
    }

    private func forget(_ name: VideoName) {
        let followers = state.withLock { state in
            state.hot.remove(name)
            state.uses.forget(name)
            return state.loads.removeValue(forKey: name)?.followers ?? []
        }
        for follower in followers { follower.resume(returning: nil) }
    }

    // MARK: State

    private typealias Follower = CheckedContinuation<ByteBuffer?, Never>

    private struct Load {
        let number: Int
        var isReading = false
        var followers: [Follower] = []
    }

    /// How a reader gets its video.
    private enum Find {
        case here(ByteBuffer)
        /// The other store must hear of it.
        case hereToTell(ByteBuffer)
        case first(load: Int)
        case following
    }

    private struct State {
        var hot: HotSet
        var uses = VideoUses()
        var loads: [VideoName: Load] = [:]
        var lastLoad = 0

        init(hot: HotSet) {
            self.hot = hot
        }

        mutating func find(_ name: VideoName, now: Int64) -> Find {
            let needsMark = uses.needsMark(name, now: now)
            if let content = hot.find(name) { return needsMark ? .hereToTell(content) : .here(content) }
            guard loads[name] == nil else { return .following }
            lastLoad += 1
            loads[name] = Load(number: lastLoad)
            return .first(load: lastLoad)
        }

        /// Whether a load goes on to read the content.
        mutating func beginsReading(_ name: VideoName, _ bytes: Int64, _ load: Int) -> Bool {
            guard loads[name]?.number == load, hot.admits(name, bytes: bytes),
                loads.values.count(where: \.isReading) < MemoryResultStore.loadLimit
            else { return false }
            loads[name]?.isReading = true
            return true
        }
    }
}
