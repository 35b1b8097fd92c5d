import Redis
import TestSupport
import Testing

struct RedisClientTests {
    private func with<Value>(
        change: (inout RedisSettings) -> Void = { _ in },
        _ body: (RedisClient, String) async throws -> Value
    ) async throws -> Value {
        let fixture = try await RedisFixture.shared()
        return try await ClientFixture.with(fixture.url, change: change) { client async throws in
            try await body(client, RedisFixture.uniquePrefix())
        }
    }

    @Test("Replies of every kind come back as the server gave them")
    func replies() async throws {
        try await with { client, key async throws in
            #expect(try await client.send(RedisCommand("PING")) == .simple("PONG"))
            #expect(try await client.send(RedisCommand("GET", key)) == .null)
            let bytes = (0...255).map { UInt8($0) }
            #expect(try await client.send(RedisCommand("SET", key, bytes)) == .simple("OK"))
            #expect(try await client.send(RedisCommand("GET", key)) == .bulk(bytes))
            #expect(try await client.send(RedisCommand("APPEND", key, "x")) == .integer(257))
            let nested = try await client.send(RedisCommand("EVAL", "return {1, {2, 'x'}, false}", 0))
            #expect(nested == .array([.integer(1), .array([.integer(2), .bulk([120])]), .null]))
        }
    }

    @Test("What the server refuses is told in its words")
    func refusals() async throws {
        try await with { client, key async throws in
            let error = await #expect(throws: RedisError.self) { try await client.send(RedisCommand("NONSENSE", key)) }
            guard case .refused(let text)? = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(text.hasPrefix("ERR unknown command"))
            #expect(try await client.send(RedisCommand("PING")) == .simple("PONG"))
        }
    }

    @Test("Ten thousand commands that are sent at once are all answered, each with its own reply")
    func pipelined() async throws {
        try await with { client, key async throws in
            let all = try await withThrowingTaskGroup(of: (Int, RESPValue).self) { group in
                for number in 0..<10_000 {
                    group.addTask { (number, try await client.send(RedisCommand("ECHO", "\(key) \(number)"))) }
                }
                return try await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
            }
            #expect(all.count == 10_000)
            #expect(all.allSatisfy { $0.value == .bulk(Array("\(key) \($0.key)".utf8)) })
        }
    }

    @Test("Commands of one sender are carried out in the order in which they are sent, whatever others send")
    func order() async throws {
        try await with { client, key async throws in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for sender in 0..<8 {
                    group.addTask {
                        for number in 0..<300 {
                            let length = try await client.send(RedisCommand("RPUSH", "\(key) \(sender)", number))
                            #expect(length == .integer(Int64(number + 1)))
                        }
                    }
                }
                try await group.waitForAll()
            }
            let list = try await client.send(RedisCommand("LRANGE", "\(key) 3", 0, -1)).array ?? []
            #expect(list.map(\.integer) == (0..<300).map { Int64($0) })
        }
    }

    @Test("A reply of many megabytes comes back whole, and so does the command that brought it")
    func large() async throws {
        try await with { client, key async throws in
            let bytes = (0..<20_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
            _ = try await client.send(RedisCommand("SET", key, bytes))
            #expect(try await client.send(RedisCommand("GET", key)).bytes == bytes)
            _ = try await client.send(RedisCommand("DEL", key))
        }
    }

    @Test("A reply that is larger than may be ends the connection, and the next command has another")
    func tooLarge() async throws {
        try await with(change: { $0.replies.bytes = 10_000 }) { client, key async throws in
            _ = try await client.send(RedisCommand("SET", key, [UInt8](repeating: 1, count: 20_000)))
            let error = await #expect(throws: RedisError.self) { try await client.send(RedisCommand("GET", key)) }
            #expect(error?.isOutcomeUnknown == true)
            #expect(try await client.send(RedisCommand("STRLEN", key)) == .integer(20_000))
        }
    }

    @Test("A command that keeps a connection waiting does not keep others waiting")
    func blocking() async throws {
        try await with(change: { $0.name = "waiting" }) { client, key async throws in
            async let popped = client.sendBlocking(RedisCommand("BLPOP", key, 0), patience: .seconds(600))
            try await ClientFixture.eventually("it waits") { try await Self.isWaiting("waiting", client) }
            _ = try await client.send(RedisCommand("RPUSH", key, "x"))
            #expect(try await popped.array?.last?.text == "x")
        }
    }

    @Test("Who gives up a command that waits gets an end at once, and the server forgets it")
    func abandoned() async throws {
        try await with(change: { $0.name = "abandoned" }) { client, key async throws in
            let waiting = Task {
                await #expect(throws: RedisError.self) {
                    try await client.sendBlocking(RedisCommand("BLPOP", key, 0), patience: .seconds(600))
                }
            }
            try await ClientFixture.eventually("it waits") { try await Self.isWaiting("abandoned", client) }
            waiting.cancel()
            _ = await waiting.value
            try await ClientFixture.eventually("it does not wait") {
                try await !Self.isWaiting("abandoned", client)
            }
        }
    }

    @Test("Only so many commands may wait on connections of their own")
    func tooManyBlocking() async throws {
        try await with(
            change: {
                $0.maxBlocking = 1
                $0.name = "only-one"
            }
        ) { client, key async throws in
            async let first = client.sendBlocking(RedisCommand("BLPOP", key, 0), patience: .seconds(600))
            try await ClientFixture.eventually("the first waits") {
                try await Self.isWaiting("only-one", client)
            }
            let error = await #expect(throws: RedisError.self) {
                try await client.sendBlocking(RedisCommand("PING"), patience: .seconds(60))
            }
            #expect(error == .overloaded)
            _ = try await client.send(RedisCommand("RPUSH", key, "x"))
            #expect(try await first.array?.last?.text == "x")
        }
    }

    /// Whether a client of that name waits for a list.
    private static func isWaiting(_ name: String, _ client: RedisClient) async throws -> Bool {
        let clients = try await client.send(RedisCommand("CLIENT", "LIST")).text ?? ""
        return clients.split(separator: "\n").contains { $0.contains("name=\(name) ") && $0.contains("cmd=blpop") }
    }

    @Test("More commands than may wait are turned away at once")
    func overloaded() async throws {
        let server = try await LoopbackServer { LoopbackServer.greeting(to: $0) ?? "" }
        try await ClientFixture.with(server.url, change: { $0.maxCommandsInFlight = 10 }) { client async throws in
            try await client.connect()
            try await withThrowingTaskGroup(of: RedisError?.self) { group in
                for _ in 0..<11 {
                    group.addTask {
                        do throws(RedisError) {
                            _ = try await client.send(RedisCommand("GET", "x"))
                            return nil
                        } catch { return error }
                    }
                }
                // The server never answers, so whoever ends first was turned away.
                #expect(try await group.next() == .overloaded)
                await client.close()
                // The last of them may not have been written yet.
                for try await error in group {
                    #expect(error?.isOutcomeUnknown == true || error == .unavailable("the client is closed"))
                }
            }
        }
        try await server.close()
    }

    @Test("The database of the address is used, and the server knows the client by its name")
    func databaseAndName() async throws {
        let fixture = try await RedisFixture.shared()
        let key = RedisFixture.uniquePrefix()
        try await ClientFixture.with("\(fixture.url)/5", change: { $0.name = "its-name" }) { client async throws in
            _ = try await client.send(RedisCommand("SET", key, "five"))
            #expect(try await client.send(RedisCommand("CLIENT", "GETNAME")).text == "its-name")
        }
        try await ClientFixture.with(fixture.url) { client async throws in
            #expect(try await client.send(RedisCommand("GET", key)) == .null)
        }
        try await ClientFixture.with("\(fixture.url)/4000") { client async throws in
            let error = await #expect(throws: RedisError.self) { try await client.connect() }
            #expect(error?.isUnavailable == true)
        }
    }

    @Test("A closed client sends nothing")
    func closed() async throws {
        try await with { client, _ async throws in
            try await client.connect()
            await client.close()
            for _ in 0..<2 {
                let error = await #expect(throws: RedisError.self) { try await client.send(RedisCommand("PING")) }
                #expect(error == .unavailable("the client is closed"))
            }
            let error = await #expect(throws: RedisError.self) {
                try await client.sendBlocking(RedisCommand("PING"), patience: .seconds(1))
            }
            #expect(error == .unavailable("the client is closed"))
        }
    }
}
