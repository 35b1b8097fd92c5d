package import Redis
package import Tasks

/// Counts requests against limits in Redis, for all processes together: the rule is that of `TokenBucket`.
package struct RedisRequestMeter: RequestMeter {
    private let commands: any RedisCommands
    private let prefix: String
    private let clock: any ServiceClock

    /// - Parameters:
    ///   - commands: the server.
    ///   - settings: whose prefix the buckets have.
    ///   - clock: the same for all processes, such as `RedisClock`.
    package init(_ commands: any RedisCommands, settings: RedisStoreSettings, clock: any ServiceClock) {
        self.commands = commands
        prefix = "{\(settings.prefix)}:meter:"
        self.clock = clock
    }

    package func take(from bucket: String, _ limit: RateLimit) async throws(TaskStoreError) -> RateDecision {
        let now = Double(clock.wallTime().milliseconds) / 1000
        let reply: RESPValue
        do throws(RedisError) {
            reply = try await Self.script.run(
                on: commands,
                keys: [prefix + bucket],
                arguments: ["\(limit.perSecond)", limit.burst, "\(now)"]
            )
        } catch {
            throw TaskStoreError(error)
        }
        guard let parts = reply.array, parts.count == 2, let isAllowed = parts[0].integer,
            let tokens = parts[1].text.flatMap(Double.init)
        else { throw .unavailable("a script answered what it does not know") }
        return RateDecision(
            isAllowed: isAllowed == 1,
            remaining: Int(max(0, tokens).rounded(.down)),
            retryAfter: .seconds(min(max(0, 1 - tokens) / limit.perSecond, 86_400))
        )
    }

    /// A bucket is its tokens and when they were counted, and is gone some time after it is full: as long as clocks and
    /// pauses may differ.
    ///
    /// A moment of more than a minute ahead comes from a clock that was wrong, and is not waited for.
    private static let script = RedisScript(
        """
        local rate, burst, now = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
        local kept = redis.call('GET', KEYS[1]) or ''
        local tokens, at = string.match(kept, '^(%S+) (%S+)$')
        tokens, at = tonumber(tokens or ''), tonumber(at or '')
        if not tokens or not at or not (tokens >= 0) or not (at <= now + 60) then tokens, at = burst, now end
        tokens = math.min(burst, tokens + math.max(0, now - at) * rate)
        at = math.max(at, now)
        local allowed = 0
        if tokens >= 1 then
            tokens = tokens - 1
            allowed = 1
        end
        local full = math.min((burst - tokens) / rate, 2592000)
        local written = string.format('%.17g', tokens)
        redis.call('SET', KEYS[1], written .. ' ' .. string.format('%.17g', at), 'PX', math.ceil((full + 600) * 1000))
        return {allowed, written}
        """
    )
}

extension TaskStoreError {
    /// What an error of Redis is to the callers of a store.
    init(_ error: RedisError) {
        switch error {
        case .overloaded: self = .overloaded
        case .unavailable(let reason), .outcomeUnknown(let reason): self = .unavailable("Redis: \(reason)")
        case .refused(let reason): self = .unavailable("Redis refuses: \(reason)")
        }
    }
}
