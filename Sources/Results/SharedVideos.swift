import NIOCore
import Redis
import Synchronization

/// Videos in Redis, bounded in number and bytes; where there is no answer, there is no video.
final class SharedVideos: Sendable {
    private let commands: any RedisCommands
    private let settings: RedisLevelSettings
    /// When the server may be asked again.
    private let pausedUntil = Mutex<ContinuousClock.Instant?>(nil)

    /// What is known of a video.
    enum Find: Sendable {
        case here([UInt8])
        /// It is not here.
        ///
        /// - Parameter askings: within ten minutes, this one included; 0 if that is not known.
        case missing(askings: Int)
    }

    init(_ commands: any RedisCommands, _ settings: RedisLevelSettings) {
        self.commands = commands
        self.settings = settings
    }

    /// The content of a video, counted as a use, or how often it was asked for.
    func find(_ name: VideoName) async -> Find {
        let reply = await run(Self.finding, [key("videos"), key("used"), key("asked:\(name)")], [name.hex])
        switch reply {
        case .bulk(let content): return .here(content)
        case .integer(let askings): return .missing(askings: Int(clamping: askings))
        default: return .missing(askings: 0)
        }
    }

    /// Whether a video that was asked for so often is worth its place.
    func admits(bytes: Int64, askings: Int) -> Bool {
        askings >= max(1, settings.admission) && settings.maxEntries > 0
            && bytes <= min(settings.maxVideoBytes, settings.maxBytes)
    }

    /// Keeps a video, in place of those used longest ago; not if it was removed a moment ago.
    func insert(_ name: VideoName, _ content: ByteBuffer) async {
        _ = await run(
            Self.inserting,
            [key("videos"), key("used"), key("bytes"), key("gone:\(name)")],
            [name.hex, Array(content.readableBytesView), settings.maxEntries, settings.maxBytes]
        )
    }

    /// Lets go a video.
    ///
    /// - Parameters:
    ///   - name: of the video.
    ///   - isGone: whether it must not be kept by somebody who is still reading it.
    func remove(_ name: VideoName, isGone: Bool) async {
        _ = await run(
            Self.removing,
            [key("videos"), key("used"), key("bytes"), key("gone:\(name)")],
            [name.hex, isGone ? 1 : 0]
        )
    }

    /// Lets a video be kept again.
    func restore(_ name: VideoName) async {
        _ = await run(Self.restoring, [key("gone:\(name)")], [])
    }

    private func key(_ name: String) -> String { "{\(settings.prefix)}:results:\(name)" }

    /// What a script says; nothing if the server does not answer, which is then left alone for a while.
    private func run(
        _ script: RedisScript,
        _ keys: [any RedisArgument],
        _ arguments: [any RedisArgument]
    ) async -> RESPValue? {
        guard settings.maxEntries > 0, pausedUntil.withLock({ $0 }) ?? .now <= .now else { return nil }
        do throws(RedisError) {
            return try await script.run(on: commands, keys: keys, arguments: arguments)
        } catch {
            pausedUntil.withLock { $0 = .now + settings.pause }
            return nil
        }
    }

    // MARK: Scripts

    private static let finding = RedisScript(
        """
        local video = redis.call('HGET', KEYS[1], ARGV[1])
        if video then
            local time = redis.call('TIME')
            redis.call('ZADD', KEYS[2], time[1] * 1000000 + time[2], ARGV[1])
            return video
        end
        local askings = redis.call('INCR', KEYS[3])
        redis.call('EXPIRE', KEYS[3], 600)
        return askings
        """
    )

    private static let inserting = RedisScript(
        """
        if redis.call('EXISTS', KEYS[4]) == 1 or redis.call('HEXISTS', KEYS[1], ARGV[1]) == 1 then return 0 end
        local count = redis.call('HLEN', KEYS[1])
        local bytes = tonumber(redis.call('GET', KEYS[3]) or 0)
        local size = #ARGV[2]
        while count > 0 and (count + 1 > tonumber(ARGV[3]) or bytes + size > tonumber(ARGV[4])) do
            local oldest = redis.call('ZPOPMIN', KEYS[2])[1]
            if not oldest then
                redis.call('DEL', KEYS[1])
                count, bytes = 0, 0
                break
            end
            bytes = bytes - redis.call('HSTRLEN', KEYS[1], oldest)
            redis.call('HDEL', KEYS[1], oldest)
            count = redis.call('HLEN', KEYS[1])
        end
        local time = redis.call('TIME')
        redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
        redis.call('ZADD', KEYS[2], time[1] * 1000000 + time[2], ARGV[1])
        redis.call('SET', KEYS[3], string.format('%.0f', bytes + size))
        return 1
        """
    )

    private static let removing = RedisScript(
        """
        if ARGV[2] == '1' then redis.call('SET', KEYS[4], 1, 'EX', 600) end
        local size = redis.call('HSTRLEN', KEYS[1], ARGV[1])
        if redis.call('HDEL', KEYS[1], ARGV[1]) == 1 then redis.call('DECRBY', KEYS[3], size) end
        return redis.call('ZREM', KEYS[2], ARGV[1])
        """
    )

    private static let restoring = RedisScript("return redis.call('DEL', KEYS[1])")
}
