import Foundation
import Logging
import NIOHTTP1
import NIOPosix
import Synchronization
import Tasks
import Testing

@testable import Webhooks

@Suite("Fetching files")
struct GuardedMediaFetcherTests {
    /// What came of a fetch.
    private struct Outcome {
        var bytes: [UInt8]
        /// `nil` if it ended well.
        var code: String?
    }

    private static let open = CallbackPolicy(allowsHTTP: true, allowedNetworks: SenderWorld.loopback)

    /// Fetches what is at an address, with a resolver that leads `files.test` to this machine.
    private func fetch(
        _ address: String,
        limit: Int64 = 1_000_000,
        settings: MediaFetchSettings = MediaFetchSettings(timeLimit: .seconds(20)),
        policy: CallbackPolicy = open,
        addresses: [String: [[String]]] = ["files.test": [["127.0.0.1"]]],
        trustRoots: TrustRoots = .system
    ) async throws -> Outcome {
        let fetcher = GuardedMediaFetcher(
            settings: settings,
            policy: policy,
            resolver: ScriptedResolver(addresses),
            trustRoots: trustRoots,
            userAgent: "Animato/test",
            group: MultiThreadedEventLoopGroup.singleton,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
        let received = Mutex<[UInt8]>([])
        var code: String?
        do {
            let url = CallbackURL(stored: address, receiver: "https://files.test:443")
            try await fetcher.fetch(url, limit: limit) { part in received.withLock { $0 += part } }
        } catch let error as MediaFetchError {
            code = error.code
        }
        await fetcher.close()
        return Outcome(bytes: received.withLock { $0 }, code: code)
    }

    @Test("A file is received whole, over TLS with a certificate of the name, and says who asks")
    func whole() async throws {
        let content = (0..<200_000).map { UInt8(truncatingIfNeeded: $0) }
        let certificate = try await TestCertificate(for: "DNS:files.test")
        let receiver = CallbackReceiver { _, _ in .status(200, body: content) }
        try await receiver.listen(tls: certificate.context) {
            let outcome = try await fetch(
                "https://files.test:\(receiver.port)/a/cat.png?size=1",
                policy: CallbackPolicy(allowedNetworks: SenderWorld.loopback),
                trustRoots: .also([certificate.certificate])
            )
            #expect(outcome.code == nil && outcome.bytes == content)
            let request = try #require(receiver.received.first)
            #expect(request.uri == "/a/cat.png?size=1")
            #expect(request.headers.first(name: "user-agent") == "Animato/test")
            #expect(!request.headers.contains(name: "authorization") && !request.headers.contains(name: "cookie"))
        }
    }

    @Test("A certificate of another name is refused, and nothing is asked")
    func otherName() async throws {
        let certificate = try await TestCertificate(for: "DNS:other.test")
        let receiver = CallbackReceiver { _, _ in .status(200, body: [1]) }
        try await receiver.listen(tls: certificate.context) {
            let outcome = try await fetch(
                "https://files.test:\(receiver.port)/",
                trustRoots: .also([certificate.certificate])
            )
            #expect(outcome.code == "media_fetch_failed")
            #expect(receiver.received.isEmpty)
        }
    }

    @Test("An address that callbacks may not have is not connected to", arguments: ForbiddenAddressTests.written)
    func forbidden(_ address: String) async throws {
        let outcome = try await fetch(address, policy: CallbackPolicy())
        #expect(["media_fetch_forbidden", "media_fetch_failed"].contains(outcome.code ?? ""))
        #expect(outcome.bytes.isEmpty)
    }

    @Test("A name that leads to a forbidden address is not connected to, also if it leads to good ones as well")
    func forbiddenByName() async throws {
        for list in [["127.0.0.1"], ["10.1.2.3"], ["169.254.169.254"], ["::1"], ["8.8.8.8", "192.168.1.1"]] {
            let outcome = try await fetch(
                "https://files.test/",
                policy: CallbackPolicy(),
                addresses: ["files.test": [list]]
            )
            #expect(outcome.code == "media_fetch_forbidden", "\(list)")
        }
    }

    @Test("A redirect is judged as the first address was")
    func redirects() async throws {
        let content: [UInt8] = [7, 8, 9]
        let receiver = CallbackReceiver { _, request in
            switch request.uri {
            case "/start": .status(302, headers: [("location", "/next")])
            case "/next": .status(307, headers: [("location", "file?x=1")])
            case "/file?x=1": .status(200, body: content)
            case "/inside": .status(302, headers: [("location", "http://10.0.0.1/secret")])
            case "/scheme": .status(302, headers: [("location", "file:///etc/passwd")])
            default: .status(302, headers: [("location", "/loop")])
            }
        }
        try await receiver.listen {
            let base = "http://files.test:\(receiver.port)"
            let good = try await fetch(base + "/start")
            #expect(good.code == nil && good.bytes == content)
            #expect(try await fetch(base + "/inside").code == "media_fetch_forbidden")
            #expect(try await fetch(base + "/scheme").code == "media_fetch_forbidden")
            let before = receiver.received.count
            #expect(try await fetch(base + "/loop").code == "media_fetch_failed")
            #expect(receiver.received.count - before == 4)
        }
    }

    @Test("What is too large is refused by its announcement, and without one when it is too much")
    func tooLarge() async throws {
        let announced = CallbackReceiver { _, _ in .status(200, body: [UInt8](repeating: 1, count: 101)) }
        try await announced.listen {
            let outcome = try await fetch("http://files.test:\(announced.port)/", limit: 100)
            #expect(outcome.code == "media_too_large" && outcome.bytes.isEmpty)
            #expect(try await fetch("http://files.test:\(announced.port)/", limit: 101).code == nil)
        }
        let endless = CallbackReceiver { _, _ in .endless }
        try await endless.listen {
            let outcome = try await fetch("http://files.test:\(endless.port)/", limit: 100_000)
            #expect(outcome.code == "media_too_large" && outcome.bytes.count <= 100_000)
        }
    }

    @Test("Silence and an endless trickle end with the time limit")
    func timeLimit() async throws {
        let settings = MediaFetchSettings(timeLimit: .milliseconds(300))
        for answer in [CallbackReceiver.Answer.nothing, .endless] {
            let receiver = CallbackReceiver { _, _ in answer }
            try await receiver.listen {
                let outcome = try await fetch(
                    "http://files.test:\(receiver.port)/",
                    limit: .max,
                    settings: settings
                )
                #expect(outcome.code == "media_fetch_timeout")
            }
        }
    }

    @Test("An error, an answer that breaks off, garbage and a closed connection are failures")
    func failures() async throws {
        let answers: [CallbackReceiver.Answer] = [
            .status(404), .status(500), .status(204), .status(206, body: [1]), .status(302), .breaksOff, .garbage,
            .close,
        ]
        for answer in answers {
            let receiver = CallbackReceiver { _, _ in answer }
            try await receiver.listen {
                let outcome = try await fetch("http://files.test:\(receiver.port)/")
                #expect(outcome.code == "media_fetch_failed", "\(answer)")
            }
        }
        #expect(try await fetch("http://nowhere.test/").code == "media_fetch_failed")
        #expect(try await fetch("http://files.test:1/").code == "media_fetch_failed")
    }

    @Test("Beyond the limit of fetches the next is told to come again, and has its place when one has ended")
    func concurrency() async throws {
        let receiver = CallbackReceiver { _, _ in .nothing }
        try await receiver.listen {
            let fetcher = GuardedMediaFetcher(
                settings: MediaFetchSettings(timeLimit: .seconds(20), concurrency: 1),
                policy: Self.open,
                resolver: ScriptedResolver(["files.test": [["127.0.0.1"]]]),
                userAgent: "Animato/test",
                group: MultiThreadedEventLoopGroup.singleton,
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            )
            let url = CallbackURL(stored: "http://files.test:\(receiver.port)/", receiver: "")
            await withTaskGroup(of: Void.self) { group in
                group.addTask { try? await fetcher.fetch(url, limit: 10) { _ in } }
                await receiver.wait(for: 1)
                await #expect(throws: MediaFetchError.self) { try await fetcher.fetch(url, limit: 10) { _ in } }
                #expect(receiver.received.count == 1)
                // Cancelled, the first gives its place back.
                group.cancelAll()
            }
            await withTaskGroup(of: Void.self) { group in
                group.addTask { try? await fetcher.fetch(url, limit: 10) { _ in } }
                await receiver.wait(for: 2)
                group.cancelAll()
            }
            await fetcher.close()
        }
    }

    @Test("What the receiver of the parts throws ends the fetch and is thrown on")
    func receiverThrows() async throws {
        struct Full: Error {}
        let receiver = CallbackReceiver { _, _ in .endless }
        try await receiver.listen {
            let fetcher = GuardedMediaFetcher(
                policy: Self.open,
                resolver: ScriptedResolver(["files.test": [["127.0.0.1"]]]),
                userAgent: "Animato/test",
                group: MultiThreadedEventLoopGroup.singleton,
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            )
            let url = CallbackURL(stored: "http://files.test:\(receiver.port)/", receiver: "")
            await #expect(throws: Full.self) {
                try await fetcher.fetch(url, limit: .max) { _ in throw Full() }
            }
            await fetcher.close()
        }
    }
}
