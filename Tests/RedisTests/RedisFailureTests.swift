import Redis
import Synchronization
import TestSupport
import Testing

struct RedisFailureTests {
    @Test("A server that is killed is found again, and what is sent meanwhile waits for it")
    func killed() async throws {
        let fixture = try await RedisFixture(isDurable: true)
        try await ClientFixture.with(fixture.url) { client async throws in
            _ = try await client.send(RedisCommand("SET", "kept", "yes"))
            await fixture.kill()
            async let value = client.send(RedisCommand("GET", "kept"))
            try await fixture.start()
            do {
                #expect(try await value.text == "yes")
            } catch let error as RedisError {
                // It was sent before the loss was noticed.
                #expect(error.isOutcomeUnknown)
            }
            #expect(try await client.send(RedisCommand("GET", "kept")).text == "yes")
        }
    }

    @Test("Under load, through kills and restarts, each confirmed write is there and each reply is one's own")
    func killedUnderLoad() async throws {
        let fixture = try await RedisFixture(isDurable: true)
        try await ClientFixture.with(fixture.url) { client async throws in
            try await withThrowingTaskGroup(of: (Int, confirmed: Int, unknown: Int).self) { group in
                for sender in 0..<8 {
                    group.addTask {
                        var (confirmed, unknown) = (0, 0)
                        while !Task.isCancelled {
                            do throws(RedisError) {
                                let echo = try await client.send(RedisCommand("ECHO", "\(sender) \(confirmed)"))
                                #expect(echo.text == "\(sender) \(confirmed)")
                                let count = try await client.send(RedisCommand("INCR", "count \(sender)"))
                                confirmed += 1
                                #expect((confirmed...(confirmed + unknown)).contains(Int(count.integer ?? 0)))
                            } catch {
                                #expect(error.isOutcomeUnknown || error.isUnavailable)
                                if error.isOutcomeUnknown { unknown += 1 }
                            }
                        }
                        return (sender, confirmed, unknown)
                    }
                }
                for _ in 0..<3 {
                    let before = try await client.send(RedisCommand("DBSIZE")).integer
                    #expect(before != nil)
                    await fixture.kill()
                    try await fixture.start()
                    try await ClientFixture.eventually("it is back") {
                        do throws(RedisError) {
                            return try await client.send(RedisCommand("PING")).text == "PONG"
                        } catch { return false }
                    }
                }
                group.cancelAll()
                for try await (sender, confirmed, unknown) in group {
                    let count = Int(try await client.send(RedisCommand("GET", "count \(sender)")).integer ?? 0)
                    #expect((confirmed...(confirmed + unknown)).contains(count))
                }
            }
        }
    }

    @Test("Without a server a command fails when the grace is over, and says where it looked")
    func noServer() async throws {
        let server = try await LoopbackServer { _ in nil }
        try await server.close()
        try await ClientFixture.with(server.url, change: { $0.grace = .milliseconds(100) }) { client async throws in
            for _ in 0..<3 {
                let error = await #expect(throws: RedisError.self) { try await client.send(RedisCommand("PING")) }
                guard case .unavailable(let text)? = error else {
                    Issue.record("\(String(describing: error))")
                    return
                }
                #expect(text.contains("127.0.0.1:\(server.port)"))
            }
            let error = await #expect(throws: RedisError.self) {
                try await client.sendBlocking(RedisCommand("PING"), patience: .seconds(60))
            }
            #expect(error?.isUnavailable == true)
        }
    }

    @Test("A server that stands still costs a command its time-out, and the next one has a connection of its own")
    func frozen() async throws {
        let fixture = try await RedisFixture()
        try await ClientFixture.with(fixture.url, change: { $0.commandTimeout = .milliseconds(300) }) {
            client async throws in
            try await client.connect()
            try await fixture.freeze()
            let error = await #expect(throws: RedisError.self) { try await client.send(RedisCommand("PING")) }
            #expect(error == .outcomeUnknown("the server did not answer in time"))
            fixture.thaw()
            try await ClientFixture.eventually("it answers again") {
                do throws(RedisError) {
                    return try await client.send(RedisCommand("PING")).text == "PONG"
                } catch { return false }
            }
        }
    }

    @Test("A command that waits at a server that stands still ends when its patience does")
    func frozenWhileBlocking() async throws {
        let fixture = try await RedisFixture()
        try await ClientFixture.with(fixture.url) { client async throws in
            _ = try await client.sendBlocking(RedisCommand("BLPOP", "x", "0.01"), patience: .seconds(60))
            try await fixture.freeze()
            let error = await #expect(throws: RedisError.self) {
                try await client.sendBlocking(RedisCommand("BLPOP", "x", "0.01"), patience: .milliseconds(300))
            }
            #expect(error == .outcomeUnknown("the server did not answer in time"))
            fixture.thaw()
            #expect(try await client.sendBlocking(RedisCommand("PING"), patience: .seconds(60)).text == "PONG")
        }
    }

    @Test(
        "A server that says garbage, or nothing, is none",
        arguments: [
            "HTTP/1.1 400 Bad Request\r\n\r\n", "$99999999999\r\n", "*1\r\n*1\r\n*1\r\nx", "\u{16}\u{3}\u{1}\r\n",
        ])
    func garbage(answer: String) async throws {
        let server = try await LoopbackServer { _ in answer }
        try await ClientFixture.with(
            server.url,
            change: {
                $0.grace = .zero
                $0.connectTimeout = .milliseconds(500)
            }
        ) { client async throws in
            let error = await #expect(throws: RedisError.self) { try await client.send(RedisCommand("PING")) }
            #expect(error?.isUnavailable == true)
        }
        try await server.close()
    }

    @Test("Garbage after a good beginning ends what is under way, and the client begins anew")
    func garbageLater() async throws {
        let spoilt = Mutex(0)
        let server = try await LoopbackServer { text in
            if let greeting = LoopbackServer.greeting(to: text) { return greeting }
            return spoilt.withLock { count in
                count += 1
                return count == 1 ? "!!!\r\n" : "+fine\r\n"
            }
        }
        try await ClientFixture.with(server.url) { client async throws in
            let error = await #expect(throws: RedisError.self) { try await client.send(RedisCommand("GET", "x")) }
            #expect(error?.isOutcomeUnknown == true)
            #expect(try await client.send(RedisCommand("GET", "x")).text == "fine")
        }
        try await server.close()
    }

    @Test("Replies that nobody asked for end the connection; nobody gets another's reply")
    func unasked() async throws {
        let count = Mutex(0)
        let server = try await LoopbackServer { text in
            if let greeting = LoopbackServer.greeting(to: text) { return greeting }
            return count.withLock { count in
                count += 1
                return count == 1 ? "+first\r\n+too much\r\n" : "+second\r\n"
            }
        }
        try await ClientFixture.with(server.url) { client async throws in
            #expect(try await client.send(RedisCommand("GET", "x")).text == "first")
            try await ClientFixture.eventually("there is a new connection") {
                do throws(RedisError) {
                    let text = try await client.send(RedisCommand("GET", "x")).text
                    #expect(text == "second")
                    return true
                } catch { return false }
            }
        }
        try await server.close()
    }

    @Test("A server that became a replica is left, and what it refused is sent on a new connection")
    func replica() async throws {
        let count = Mutex(0)
        let server = try await LoopbackServer { text in
            if let greeting = LoopbackServer.greeting(to: text) { return greeting }
            return count.withLock { count in
                count += 1
                return count == 1 ? "-READONLY You can't write against a read only replica.\r\n" : "+OK\r\n"
            }
        }
        try await ClientFixture.with(server.url) { client async throws in
            #expect(try await client.send(RedisCommand("SET", "x", "y")).text == "OK")
        }
        #expect(count.withLock { $0 } == 2)
        try await server.close()
    }

    @Test("A server that is still reading its data is waited for")
    func loading() async throws {
        let count = Mutex(0)
        let server = try await LoopbackServer { text in
            guard let greeting = LoopbackServer.greeting(to: text) else { return "+fine\r\n" }
            return count.withLock { count in
                count += 1
                return count < 5 ? "-LOADING Redis is loading the dataset in memory\r\n" : greeting
            }
        }
        try await ClientFixture.with(server.url) { client async throws in
            #expect(try await client.send(RedisCommand("GET", "x")).text == "fine")
        }
        try await server.close()
    }

    @Test("The pause before another attempt grows to a bound, and no two clients have the same")
    func backoff() {
        let backoff = RedisBackoff(first: .milliseconds(50), longest: .seconds(5))
        #expect(backoff.delay(after: 0) == .zero)
        #expect(backoff.delay(after: 1, chance: 1) == .milliseconds(50))
        #expect(backoff.delay(after: 3, chance: 0) == .milliseconds(100))
        #expect(backoff.delay(after: 8, chance: 1) == .seconds(5))
        #expect(backoff.delay(after: .max, chance: 0) == .milliseconds(2500))
    }
}
