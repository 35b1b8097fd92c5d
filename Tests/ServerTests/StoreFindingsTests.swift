import Redis
import TestSupport
import Testing

@testable import Server

@Suite("What the doctor says of Redis")
struct StoreFindingsTests {
    private func lines(_ url: String?) async throws -> [String] {
        var configuration = ServerConfiguration()
        configuration.redis = try url.map { try RedisURL($0) }
        return await StoreFindings(configuration: configuration).findings().map { $0.line() }
    }

    @Test("Nothing where there is none")
    func none() async throws {
        #expect(try await lines(nil).isEmpty)
    }

    @Test("A server that keeps everything is ok")
    func ok() async throws {
        let server = try await RedisFixture(isDurable: true)
        let lines = try await lines(server.url)
        #expect(lines.count == 1)
        #expect(
            lines.first?.hasPrefix("✓ ok       Redis: ") == true && lines.first?.hasSuffix("\(server.url)/0") == true)
    }

    @Test("One that may lose what it was given is warned of")
    func forgetful() async throws {
        let server = try await RedisFixture(extra: ["--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru"])
        let lines = try await lines(server.url)
        #expect(lines.map { $0.prefix(9) } == ["✓ ok     ", "! warning", "! warning"])
        #expect(lines.last?.contains("allkeys-lru") == true)
    }

    @Test("One that is not there, or wants a password, is missing")
    func missing() async throws {
        let server = try await RedisFixture(extra: ["--requirepass", "right"])
        for url in ["redis://127.0.0.1:1", server.url, server.url.replacing("//", with: "//:wrong@")] {
            let lines = try await lines(url)
            #expect(lines.count == 1 && lines[0].hasPrefix("✗ missing  Redis: redis://127.0.0.1:"), "\(lines)")
            #expect(!lines[0].contains("wrong@"))
        }
    }

    @Test("What a server says of itself")
    func said() {
        func verdicts(_ fields: [String: String]) -> [Finding.Verdict] {
            StoreFindings.findings(info: fields, of: "u").map(\.verdict)
        }
        #expect(StoreFindings.fields("# Server\r\nredis_version:7.0.15\r\n\r\nos:Linux 6:1\r\n")["os"] == "Linux 6:1")
        #expect(verdicts(["redis_version": "6.0.16"]) == [.missing])
        #expect(verdicts(["redis_version": "6.2.0", "aof_enabled": "1"]) == [.ok])
        #expect(
            verdicts(["redis_version": "10.0", "aof_enabled": "1", "aof_last_write_status": "err"]) == [.ok, .missing])
        #expect(verdicts(["redis_version": "7.4.1", "maxmemory": "0", "maxmemory_policy": "allkeys-lru"]) == [.ok])
        #expect(verdicts([:]) == [.ok])
    }
}
