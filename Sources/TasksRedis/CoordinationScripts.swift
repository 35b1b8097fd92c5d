import Redis

/// What `RedisCoordination` lets the server do in one step.
enum CoordinationScripts {
    /// The time of the server in milliseconds.
    private static let clock = """
        local time = redis.call('TIME')
        local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)

        """

    /// Puts down a report and its end, and drops those whose end has come.
    static let announce = RedisScript(
        clock + """
            redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
            redis.call('ZADD', KEYS[2], now + tonumber(ARGV[3]), ARGV[1])
            for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', now, 'LIMIT', 0, 100)) do
                redis.call('HDEL', KEYS[1], id)
                redis.call('ZREM', KEYS[2], id)
            end
            return 1
            """
    )

    static let withdraw = RedisScript(
        """
        redis.call('HDEL', KEYS[1], ARGV[1])
        return redis.call('ZREM', KEYS[2], ARGV[1])
        """
    )

    /// Gives ids and reports, in turn.
    static let members = RedisScript(
        clock + """
            local found = {}
            for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '(' .. now, '+inf')) do
                local report = redis.call('HGET', KEYS[1], id)
                if report then
                    found[#found + 1] = id
                    found[#found + 1] = report
                end
            end
            return found
            """
    )

    static let lead = RedisScript(
        """
        local holder = redis.call('GET', KEYS[1])
        if holder and holder ~= ARGV[1] then return 0 end
        redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
        return 1
        """
    )

    static let agree = RedisScript(
        """
        redis.call('SETNX', KEYS[1], ARGV[1])
        return redis.call('GET', KEYS[1])
        """
    )

    /// Tells something, and drops what need not be kept any longer.
    ///
    /// Beside what is kept for those who come later, what was said in the last half minute stays for those who listen
    /// and were away for a moment; at most as many as a listener may be behind.
    static let post = RedisScript(
        clock + """
            local keep = tonumber(ARGV[2])
            redis.call('XADD', KEYS[1], 'MAXLEN', '~', math.max(keep, 10000), '*', 'm', ARGV[1])
            local count = redis.call('XLEN', KEYS[1])
            if count <= keep then return count end
            for _, entry in ipairs(redis.call('XRANGE', KEYS[1], '-', '(' .. (now - 30000), 'COUNT', 16)) do
                if count <= keep then break end
                redis.call('XDEL', KEYS[1], entry[1])
                count = count - 1
            end
            return count
            """
    )
}
