import Foundation
import Redis
import TestSupport
import Testing

struct RedisAccessTests {
    private func refusal(_ url: String, _ authorities: String? = nil) async throws -> String {
        try await ClientFixture.with(
            url,
            change: {
                $0.authorities = authorities
                $0.grace = .zero
            }
        ) { client async throws in
            let error = await #expect(throws: RedisError.self) { try await client.connect() }
            guard case .unavailable(let text)? = error else { return "\(String(describing: error))" }
            return text
        }
    }

    @Test("A password is given, and what is wrong with it is said without it")
    func password() async throws {
        let fixture = try await RedisFixture(extra: ["--requirepass", "open sesame"])
        let place = "127.0.0.1:\(fixture.port)"
        try await ClientFixture.with("redis://:open%20sesame@\(place)") { client async throws in
            #expect(try await client.send(RedisCommand("PING")).text == "PONG")
            #expect(try await client.sendBlocking(RedisCommand("PING"), patience: .seconds(60)).text == "PONG")
        }
        let wrong = try await refusal("redis://:sesame@\(place)")
        #expect(wrong.contains("WRONGPASS"))
        #expect(!wrong.contains("sesame"))
        #expect(try await refusal("redis://\(place)").contains("NOAUTH"))
    }

    @Test("A wrong password ends the wait at once, however long the grace is")
    func wrongPassword() async throws {
        let fixture = try await RedisFixture(extra: ["--requirepass", "right"])
        try await ClientFixture.with(
            "redis://:wrong@127.0.0.1:\(fixture.port)", change: { $0.grace = .seconds(86_400) }
        ) { client async throws in
            let error = await #expect(throws: RedisError.self) { try await client.connect() }
            #expect(error?.isUnavailable == true)
        }
    }

    @Test("A user that may do little does that, and is told of the rest")
    func user() async throws {
        let fixture = try await RedisFixture(extra: [
            "--rename-command", "SET", "", "--user", "reader", "on", ">secret", "~a:*", "+get", "+select",
        ])
        try await ClientFixture.with("redis://reader:secret@127.0.0.1:\(fixture.port)/1") { client async throws in
            #expect(try await client.send(RedisCommand("GET", "a:1")) == .null)
            for command in [RedisCommand("GET", "b:1"), RedisCommand("DEL", "a:1")] {
                let error = await #expect(throws: RedisError.self) { try await client.send(command) }
                guard case .refused(let text)? = error else {
                    Issue.record("\(String(describing: error))")
                    return
                }
                #expect(text.hasPrefix("NOPERM"))
            }
            let error = await #expect(throws: RedisError.self) {
                try await client.send(RedisCommand("SET", "a:1", "x"))
            }
            guard case .refused? = error else {
                Issue.record("\(String(describing: error))")
                return
            }
        }
    }

    @Test("With TLS the server must prove to be who it is called")
    func tls() async throws {
        try await withTemporaryDirectory { directory in
            let mine = try await certificate("DNS:localhost", directory, "mine")
            let others = try await certificate("DNS:localhost", directory, "others")
            let fixture = try await RedisFixture(tls: mine)
            try await ClientFixture.with(fixture.url, change: { $0.authorities = mine.certificate }) {
                client async throws in
                #expect(try await client.send(RedisCommand("PING")).text == "PONG")
                let large = [UInt8](repeating: 7, count: 1_000_000)
                _ = try await client.send(RedisCommand("SET", "x", large))
                #expect(try await client.send(RedisCommand("GET", "x")).bytes == large)
                #expect(try await client.sendBlocking(RedisCommand("PING"), patience: .seconds(60)).text == "PONG")
            }
            // Vouched for by somebody else, by nobody that the system knows, or under another name.
            #expect(try await refusal(fixture.url, others.certificate).contains("CERTIFICATE_VERIFY_FAILED"))
            #expect(try await refusal(fixture.url).contains("CERTIFICATE_VERIFY_FAILED"))
            let elsewhere = try await refusal("rediss://127.0.0.1:\(fixture.port)", mine.certificate)
            #expect(elsewhere.contains("failedToValidateHostname"))
            // In clear text it says nothing that is understood.
            _ = try await refusal("redis://127.0.0.1:\(fixture.port)")
        }
    }

    @Test("Authorities that are not there are said at once")
    func authorities() throws {
        var settings = RedisSettings(url: RedisURL(host: "localhost", usesTLS: true))
        settings.authorities = "/nowhere.pem"
        let error = #expect(throws: RedisError.self) { try RedisClient(settings, logger: ClientFixture.logger) }
        #expect(error?.isUnavailable == true)
    }

    private func certificate(
        _ names: String,
        _ directory: String,
        _ name: String
    ) async throws -> (certificate: String, key: String) {
        let (file, key) = ("\(directory)/\(name).pem", "\(directory)/\(name)-key.pem")
        let status = try await withCheckedThrowingContinuation { continuation in
            let process = Process()
            process.executableURL = URL(filePath: "/usr/bin/env")
            process.arguments = [
                "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                "-days", "2", "-subj", "/CN=animato test", "-addext", "subjectAltName=\(names)", "-keyout", key,
                "-out", file,
            ]
            process.standardError = FileHandle.nullDevice
            process.terminationHandler = { continuation.resume(returning: $0.terminationStatus) }
            do { try process.run() } catch { continuation.resume(throwing: error) }
        }
        try #require(status == 0, "openssl is needed to make certificates")
        return (file, key)
    }
}
