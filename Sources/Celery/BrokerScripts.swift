import Redis

/// What the broker does in one step.
enum BrokerScripts {
    /// Takes messages that are due, the most urgent list first, and gives those that are not decided, the oldest first.
    ///
    /// Of a message that is too long only the end is kept, behind a mark; kombu writes the task's id there.
    static let take = RedisScript(
        """
        local taken, eta, waiting = KEYS[1], KEYS[2], KEYS[3]
        local limit, most, now = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3]
        local count, bytes = 0, 0
        local undecided = redis.call('LRANGE', taken, 0, -1)
        for _, message in ipairs(undecided) do
            count = count + 1
            bytes = bytes + #message
        end
        local function add(message)
            if #message > most then message = '!' .. string.sub(message, -2048) end
            redis.call('LPUSH', taken, message)
            table.insert(undecided, 1, message)
            count = count + 1
            bytes = bytes + #message
        end
        if count < limit then
            for _, id in ipairs(redis.call('ZRANGEBYSCORE', eta, '-inf', now, 'LIMIT', 0, limit - count)) do
                local message = redis.call('HGET', waiting, id)
                redis.call('HDEL', waiting, id)
                redis.call('ZREM', eta, id)
                if message then add(message) end
            end
        end
        for index = 4, #KEYS do
            while count < limit and bytes < most do
                local message = redis.call('RPOP', KEYS[index])
                if not message then break end
                add(message)
            end
        end
        local given, size = {}, 0
        for index = #undecided, 1, -1 do
            if #given >= limit or size >= most then break end
            given[#given + 1] = undecided[index]
            size = size + #undecided[index]
        end
        return given
        """
    )

    /// The task is the server's now: it is open, and the message is gone.
    static let accept = RedisScript(
        """
        redis.call('HSET', KEYS[2], ARGV[2], ARGV[3])
        return redis.call('LREM', KEYS[1], 0, ARGV[1])
        """
    )

    /// The message waits for its time.
    static let delay = RedisScript(
        """
        redis.call('HSET', KEYS[3], ARGV[2], ARGV[1])
        redis.call('ZADD', KEYS[2], ARGV[3], ARGV[2])
        return redis.call('LREM', KEYS[1], 0, ARGV[1])
        """
    )

    /// The message of an id that waits for its time, taken away.
    static let undelay = RedisScript(
        """
        local message = redis.call('HGET', KEYS[2], ARGV[1])
        redis.call('HDEL', KEYS[2], ARGV[1])
        redis.call('ZREM', KEYS[1], ARGV[1])
        return message
        """
    )

    /// The message can never be carried out: the beginning of it is kept to be looked at.
    static let bury = RedisScript(
        """
        redis.call('LPUSH', KEYS[2], string.sub(ARGV[1], 1, 65536))
        redis.call('LTRIM', KEYS[2], 0, tonumber(ARGV[2]) - 1)
        return redis.call('LREM', KEYS[1], 0, ARGV[1])
        """
    )

    /// Remembers ids that are revoked, so many for so long.
    static let revoke = RedisScript(
        """
        local now = tonumber(ARGV[1])
        for index = 4, #ARGV do redis.call('ZADD', KEYS[1], now, ARGV[index]) end
        redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - tonumber(ARGV[2]))
        return redis.call('ZREMRANGEBYRANK', KEYS[1], 0, -tonumber(ARGV[3]) - 1)
        """
    )

    /// Gives a sign of life, and takes over from bridges that have given none for too long.
    ///
    /// Messages are taken over from all, open tasks only from those on the same task store: nobody else knows them. The
    /// clock is the broker's, so that those of the hosts need not agree.
    static let live = RedisScript(
        """
        local time = redis.call('TIME')
        local now = time[1] * 1000 + math.floor(time[2] / 1000)
        redis.call('ZADD', KEYS[1], now, ARGV[1])
        local moved = 0
        local dead = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now - tonumber(ARGV[2]), 'LIMIT', 0, 10)
        for _, other in ipairs(dead) do
            while true do
                local message = redis.call('RPOPLPUSH', ARGV[3] .. other, KEYS[2])
                if not message then break end
                moved = moved + 1
            end
            if string.sub(other, -#ARGV[5]) == ARGV[5] then
                local open = redis.call('HGETALL', ARGV[4] .. other)
                for index = 1, #open, 2 do
                    redis.call('HSET', KEYS[3], open[index], open[index + 1])
                    moved = moved + 1
                end
                redis.call('DEL', ARGV[4] .. other)
            end
            redis.call('ZREM', KEYS[1], other)
        end
        return moved
        """
    )

    /// Answers a command where kombu looks for answers: in the lists that are bound to the exchange under the key.
    static let reply = RedisScript(
        """
        local sent = 0
        for _, member in ipairs(redis.call('SMEMBERS', KEYS[1])) do
            local first = string.find(member, '\\6\\22', 1, true)
            local second = first and string.find(member, '\\6\\22', first + 2, true)
            if second and string.sub(member, 1, first - 1) == ARGV[1] then
                local list = string.sub(member, second + 2)
                redis.call('LPUSH', list, ARGV[2])
                if redis.call('TTL', list) == -1 then redis.call('EXPIRE', list, 60) end
                sent = sent + 1
            end
        end
        return sent
        """
    )

    /// Keeps a record and tells those who wait for it.
    ///
    /// A task that has ended stays ended: what was said of it meanwhile comes too late.
    static let record = RedisScript(
        """
        if ARGV[3] ~= 'always' then
            local current = redis.call('GET', KEYS[1])
            if current and ARGV[3] == 'absent' then return 0 end
            local known, record = pcall(cjson.decode, current or 'null')
            local status = known and type(record) == 'table' and record.status
            if status == 'SUCCESS' or status == 'FAILURE' or status == 'REVOKED' then return 0 end
        end
        redis.call('SETEX', KEYS[1], ARGV[2], ARGV[1])
        redis.call('PUBLISH', KEYS[1], ARGV[1])
        return 1
        """
    )
}
