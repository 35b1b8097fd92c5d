import Redis

extension RedisScript {
    /// Makes the changes of a transaction, all or none: none if something is not as it was when it was read.
    ///
    /// Its arguments: the transaction's name; how many events it writes; how long the log may grow; what must be so, `!`,
    /// and what is changed, each a letter with what belongs to it. `CommitWriter` is the other side.
    ///
    /// It returns whether it was done, the number of the last entry of the log, and the number before the first event.
    /// What it has returned is kept for a while under the transaction's name: asked again it does nothing and returns it.
    static let commit = RedisScript(
        """
        local P, A, call = KEYS[1], ARGV, redis.call
        local done = call('GET', P .. 'x:' .. A[1])
        if done then
            local n, base = string.match(done, '^(%d+) (%d+)$')
            return {1, tonumber(n), tonumber(base)}
        end
        local function num(v) return tonumber(v or '0') or 0 end
        local function failed() return {0, num(call('GET', P .. 'ln')), 0} end
        local i = 4
        while A[i] ~= '!' do
            local o, k = A[i], P .. A[i + 1]
            if o == 'v' then
                if call('GETRANGE', k, 0, 8) ~= A[i + 2] then return failed() end
                i = i + 3
            elseif o == 's' then
                if call('SCARD', k) ~= num(A[i + 2]) then return failed() end
                i = i + 3
            elseif o == 'c' then
                if call('ZCARD', k) >= num(A[i + 2]) then return failed() end
                i = i + 3
            elseif o == 'h' then
                if (call('HGET', k, A[i + 2]) or '') ~= A[i + 3] then return failed() end
                i = i + 4
            elseif o == 'l' then
                if num(call('HGET', k, A[i + 2])) >= num(A[i + 3]) then return failed() end
                i = i + 4
            elseif o == 'y' then
                if call('ZLEXCOUNT', k, '[' .. A[i + 2], '(' .. A[i + 2] .. '\\255') ~= num(A[i + 3]) then return failed() end
                i = i + 4
            elseif o == 'm' then
                local sum = num(call('HGET', k, A[i + 2])) + num(call('HGET', P .. A[i + 3], A[i + 4]))
                if sum > num(A[i + 5]) then return failed() end
                i = i + 6
            else
                return redis.error_reply('ERR unknown condition ' .. o)
            end
        end
        i = i + 1
        local base, n = 0, nil
        if A[2] ~= '0' then base = call('INCRBY', P .. 'es', A[2]) - num(A[2]) end
        local function seq(v) return base + num(v) end
        while i <= #A do
            local o, k = A[i], P .. A[i + 1]
            if o == 'S' then
                call('SET', k, A[i + 2])
                i = i + 3
            elseif o == 'E' then
                local value, count = {A[i + 2]}, num(A[i + 3])
                i = i + 4
                for j = 1, count do
                    value[#value + 1] = struct.pack('>I8', seq(A[i])) .. A[i + 1]
                    i = i + 2
                end
                call('SET', k, table.concat(value))
            elseif o == 'D' then
                call('DEL', k)
                i = i + 2
            elseif o == '+' then
                call('SADD', k, A[i + 2])
                i = i + 3
            elseif o == '-' then
                call('SREM', k, A[i + 2])
                i = i + 3
            elseif o == 'Z' then
                call('ZADD', k, A[i + 2], A[i + 3])
                i = i + 4
            elseif o == 'z' then
                call('ZREM', k, A[i + 2])
                i = i + 3
            elseif o == 'H' then
                if call('HINCRBY', k, A[i + 2], A[i + 3]) == 0 then call('HDEL', k, A[i + 2]) end
                i = i + 4
            elseif o == 'F' then
                call('HSET', k, A[i + 2], A[i + 3])
                i = i + 4
            elseif o == 'f' then
                call('HDEL', k, A[i + 2])
                i = i + 3
            elseif o == 'e' then
                call('XADD', k, string.format('%.0f-0', seq(A[i + 2])), 'e', A[i + 3])
                i = i + 4
            elseif o == 'x' then
                call('XDEL', k, A[i + 2])
                i = i + 3
            elseif o == 'T' then
                call('XTRIM', k, 'MINID', '=', A[i + 2] .. '-0')
                i = i + 3
            elseif o == 'R' then
                local first = call('ZRANGE', P .. 'dr' .. A[i + 1], 0, 0, 'WITHSCORES')
                if first[2] then
                    local since = math.max(num(first[2]), num(call('HGET', P .. 'dv', A[i + 1])))
                    call('ZADD', P .. 'dw', string.format('%.0f', since), A[i + 1])
                else
                    call('ZREM', P .. 'dw', A[i + 1])
                    call('HDEL', P .. 'dv', A[i + 1])
                end
                i = i + 2
            elseif o == 'L' then
                n = call('INCR', P .. 'ln')
                local last = call('GET', P .. 'lt') or ''
                call('XADD', P .. 'lg', 'MAXLEN', '~', A[3], string.format('%.0f-0', n),
                    'p', last, 'i', A[1], 'o', A[i + 1], 'd', A[i + 2])
                call('SET', P .. 'lt', A[1])
                i = i + 3
            else
                return redis.error_reply('ERR unknown change ' .. o)
            end
        end
        if not n then n = num(call('GET', P .. 'ln')) end
        call('SET', P .. 'x:' .. A[1], string.format('%.0f %.0f', n, base), 'EX', 60)
        return {1, n, base}
        """
    )

    /// Looks at several things at one moment.
    ///
    /// Its arguments: letters, each with one name. It returns for each:
    /// `g` the record of that name; `t` a task and its generation; `a` the generation that answers a key, behind its id;
    /// `w` a generation, the tasks that wait for it, and their records; `c` a task and, from its generation, the same;
    /// `v` the generations of a video, each behind its id;
    /// `d` a delivery, its task and that one's generation; `h` the field behind the name and a slash of a hash;
    /// `n` how many members a sorted set has; `i` the next number of a counter.
    static let look = RedisScript(
        """
        local P, call, out = KEYS[1], redis.call, {}
        local function get(k) return call('GET', P .. k) end
        local function generation(t)
            if not t then return false end
            return get('g:' .. string.sub(t, 10, 17))
        end
        local function waiting(id)
            local members, records = call('SMEMBERS', P .. 'w:' .. id), {}
            for j = 1, #members do records[j] = get('t:' .. members[j]) end
            return {get('g:' .. id), members, records}
        end
        for i = 1, #ARGV, 2 do
            local o, a = ARGV[i], ARGV[i + 1]
            local r
            if o == 'g' then r = get(a)
            elseif o == 't' then
                local t = get('t:' .. a)
                r = {t, generation(t)}
            elseif o == 'a' then
                local id = get('a:' .. a)
                r = {id, id and get('g:' .. id)}
            elseif o == 'w' then r = waiting(a)
            elseif o == 'c' then
                local t = get('t:' .. a)
                r = {t}
                if t then r[2] = waiting(string.sub(t, 10, 17)) end
            elseif o == 'd' then
                local d = get('d:' .. a)
                local t = d and get('t:' .. string.sub(d, 10, 25))
                r = {d, t, generation(t)}
            elseif o == 'h' then
                local name = string.sub(a, 1, 2)
                local rest = string.sub(a, 3)
                if name == 'us' then
                    name = string.sub(a, 1, 10)
                    rest = string.sub(a, 11)
                end
                r = call('HGET', P .. name, rest)
            elseif o == 'v' or o == 'f' then
                local most = o == 'f' and 1 or 10000
                local found = call('ZRANGEBYLEX', P .. 'gv', '[' .. a, '(' .. a .. '\\255', 'LIMIT', 0, most)
                r = {}
                for j = 1, #found do
                    local id = string.sub(found[j], -8)
                    r[j] = {id, get('g:' .. id)}
                end
            elseif o == 'n' then r = call('ZCARD', P .. a)
            elseif o == 'i' then r = call('INCR', P .. a)
            else return redis.error_reply('ERR unknown look ' .. o)
            end
            out[#out + 1] = r
        end
        return out
        """
    )

    /// Members of several sorted sets in the order of their bytes, at one moment.
    ///
    /// Its arguments: whether the first come first; from where; how many of each; the sets.
    static let page = RedisScript(
        """
        local P, out = KEYS[1], {}
        for i = 4, #ARGV do
            if ARGV[1] == '1' then
                out[#out + 1] = redis.call('ZRANGEBYLEX', P .. ARGV[i], ARGV[2], '+', 'LIMIT', 0, ARGV[3])
            else
                out[#out + 1] = redis.call('ZREVRANGEBYLEX', P .. ARGV[i], ARGV[2], '-', 'LIMIT', 0, ARGV[3])
            end
        end
        return out
        """
    )

    /// What is due to receivers, in the order of their turns.
    ///
    /// Its arguments: the time; how many receivers; how many deliveries of each. It returns for each receiver its name and
    /// its deliveries, each with its task and that one's generation.
    static let due = RedisScript(
        """
        local P, call, out = KEYS[1], redis.call, {}
        local receivers = call('ZRANGEBYSCORE', P .. 'dw', '-inf', ARGV[1], 'LIMIT', 0, ARGV[2])
        for i = 1, #receivers do
            local numbers = call('ZRANGEBYSCORE', P .. 'dr' .. receivers[i], '-inf', ARGV[1], 'LIMIT', 0, ARGV[3])
            local found = {}
            for j = 1, #numbers do
                local d = call('GET', P .. 'd:' .. numbers[j])
                local t = d and call('GET', P .. 't:' .. string.sub(d, 10, 25))
                local g = t and call('GET', P .. 'g:' .. string.sub(t, 10, 17))
                found[j] = {numbers[j], d, t, g}
            end
            out[i] = {receivers[i], found}
        end
        return out
        """
    )
}
