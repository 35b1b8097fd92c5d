import Foundation
import NIOHTTP1
import Tasks
import TasksSQLite
import TestSupport
import Testing

@testable import Webhooks

struct WebhookSenderTests {
    @Test("A callback says who sends what, signed over exactly the bytes that are sent")
    func signed() async throws {
        let receiver = CallbackReceiver()
        let secret = WebhookSecret()
        try await receiver.listen {
            try await SenderWorld.run(secrets: { _ in [secret] }) { world in
                let id = try await world.succeed("a", "http://receiver.test:\(receiver.port)/hook?of=me")
                await receiver.wait(for: 1)
                let received = try #require(receiver.received.first)
                #expect(received.uri == "/hook?of=me")
                #expect(received.headers["content-type"] == ["application/json"])
                #expect(received.headers["user-agent"] == ["Animato/test"])
                #expect(received.headers["host"] == ["receiver.test:\(receiver.port)"])
                #expect(String(decoding: received.body, as: UTF8.self) == #"{"task":"\#(id)","type":"task.succeeded"}"#)
                let delivery = try #require(try await world.wait(for: 1, .delivered).first)
                #expect(received.headers["webhook-id"] == [delivery.id.description])
                let seconds = try #require(received.headers["webhook-timestamp"].first.flatMap { Int64($0) })
                let expected = WebhookSignature.headers(
                    id: delivery.id.description,
                    time: Timestamp(milliseconds: seconds * 1000),
                    body: Data(received.body),
                    secrets: [secret]
                )
                #expect(received.headers["webhook-signature"] == [expected[2].value])
                #expect(delivery.lastResponse == 204)
                #expect(delivery.attempts == 1)
            }
        }
    }

    @Test(
        "A key's callbacks are signed with its secrets, both while they are rotated, and all others with the server's")
    func secretsOfKeys() async throws {
        let receiver = CallbackReceiver()
        let (server, older, newer) = (WebhookSecret(), WebhookSecret(), WebhookSecret())
        let (rotating, plain) = (KeyID(rawValue: "rotating"), KeyID(rawValue: "plain"))
        let secrets: @Sendable (KeyID?) -> [WebhookSecret] = { key in
            switch key {
            case nil: [server]
            case rotating: [newer, older]
            default: []
            }
        }
        try await receiver.listen {
            try await SenderWorld.run(secrets: secrets) { world in
                let url = "http://receiver.test:\(receiver.port)/"
                for (index, key) in [rotating, plain, nil].enumerated() {
                    try await world.succeed("\(index)", url, accessKey: key)
                    await receiver.wait(for: index + 1)
                }
                for (received, expected) in zip(receiver.received, [[newer, older], [server], [server]]) {
                    let headers = received.headers
                    let seconds = try #require(headers["webhook-timestamp"].first.flatMap { Int64($0) })
                    let signature = WebhookSignature.headers(
                        id: try #require(headers["webhook-id"].first),
                        time: Timestamp(milliseconds: seconds * 1000),
                        body: Data(received.body),
                        secrets: expected
                    )[2].value
                    #expect(headers["webhook-signature"] == [signature])
                    #expect(signature.split(separator: " ").count == expected.count)
                }
            }
        }
    }

    @Test("A receiver that fails six times gets the seventh, under the same id")
    func seventh() async throws {
        let receiver = CallbackReceiver { number, _ in .status(number < 7 ? 500 : 200) }
        try await receiver.listen {
            try await SenderWorld.run { world in
                try await world.succeed("a", "http://receiver.test:\(receiver.port)/")
                let delivery = try #require(try await world.wait(for: 1, .delivered).first)
                #expect(delivery.attempts == 7)
                #expect(Set(receiver.received.flatMap { $0.headers["webhook-id"] }).count == 1)
                #expect(receiver.received.count == 7)
            }
        }
    }

    @Test("After the last attempt a delivery is dead, and is sent again when somebody says so")
    func dead() async throws {
        let receiver = CallbackReceiver { number, _ in .status(number <= 8 ? 500 : 200) }
        try await receiver.listen {
            try await SenderWorld.run { world in
                try await world.succeed("a", "http://receiver.test:\(receiver.port)/")
                let delivery = try #require(try await world.wait(for: 1, .dead).first)
                #expect(delivery.attempts == 8)
                #expect(delivery.failure?.code == "callback_http_status")
                _ = try await world.store.redeliver(delivery.id, of: .standard)
                #expect(try await world.wait(for: 1, .delivered).first?.id == delivery.id)
            }
        }
    }

    @Test("A receiver that hangs holds up nobody else")
    func slow() async throws {
        let hanging = CallbackReceiver { _, _ in .nothing }
        let quick = CallbackReceiver()
        let settings = WebhookSettings(
            concurrency: 8,
            receiverConcurrency: 4,
            timeout: .seconds(30),
            shutdownGrace: .zero,
            delays: [.milliseconds(20)],
            longestPause: .milliseconds(20)
        )
        try await hanging.listen {
            try await quick.listen {
                try await SenderWorld.run(settings) { world in
                    for number in 0..<20 {
                        try await world.succeed("hanging \(number)", "http://receiver.test:\(hanging.port)/")
                    }
                    await hanging.wait(for: 4)
                    for number in 0..<20 {
                        try await world.succeed("quick \(number)", "http://receiver.test:\(quick.port)/")
                    }
                    _ = try await world.wait(for: 20, .delivered)
                    #expect(hanging.received.count == 4)
                }
            }
        }
    }

    @Test("Of one task the events come in order, and news gives way to the end")
    func order() async throws {
        let receiver = CallbackReceiver { number, _ in .status(number == 1 ? 500 : 200) }
        try await receiver.listen {
            try await SenderWorld.run { world in
                let url = "http://receiver.test:\(receiver.port)/"
                let id = try await world.submit("a", url, events: [.started, .succeeded])
                let claimed = try await world.claim()
                await receiver.wait(for: 1)
                try await world.store.finish(claimed.lease, with: .fixture(claimed))
                let delivered = try await world.wait(for: 1, .delivered)
                #expect(delivered.contains { $0.event == .succeeded && $0.id.task == id })
                let last = try #require(receiver.received.last)
                #expect(String(decoding: last.body, as: UTF8.self).contains("task.succeeded"))
            }
        }
    }

    static let breaks: [(String, CallbackReceiver.Answer, String)] = [
        ("closes at once", .close, "callback_answer_broken"), ("speaks no HTTP", .garbage, "callback_answer_broken"),
        ("never answers", .nothing, "callback_timeout"),
        ("sends elsewhere", .status(302, headers: [("location", "http://127.0.0.1:1/")]), "callback_http_status"),
    ]

    @Test("Whatever a receiver does, the attempt ends and says how", arguments: 0..<breaks.count)
    func broken(_ index: Int) async throws {
        let (_, answer, code) = Self.breaks[index]
        let receiver = CallbackReceiver { _, _ in answer }
        var settings = SenderWorld.quick
        // Short only for who is waited for in vain: on a busy machine others take their time.
        settings.timeout = code == "callback_timeout" ? .milliseconds(500) : .seconds(15)
        settings.delays = []
        try await receiver.listen {
            try await SenderWorld.run(settings) { world in
                try await world.succeed("a", "http://receiver.test:\(receiver.port)/")
                #expect(try await world.wait(for: 1, .dead).first?.failure?.code == code)
            }
        }
    }

    @Test("An answer without an end, or that breaks off, is an answer", arguments: [true, false])
    func endless(_ isEndless: Bool) async throws {
        let receiver = CallbackReceiver { _, _ in isEndless ? .endless : .breaksOff }
        try await receiver.listen {
            try await SenderWorld.run { world in
                try await world.succeed("a", "http://receiver.test:\(receiver.port)/")
                #expect(try await world.wait(for: 1, .delivered).first?.lastResponse == 200)
            }
        }
    }

    @Test("Nobody there, or no such name: tried again, then dead")
    func unreachable() async throws {
        var settings = SenderWorld.quick
        settings.delays = [.milliseconds(20)]
        try await SenderWorld.run(settings) { world in
            try await world.succeed("a", "http://receiver.test:1/")
            #expect(try await world.wait(for: 1, .dead).first?.failure?.code == "callback_unreachable")
            try await world.succeed("b", "http://nobody.test/")
            let codes = try await world.wait(for: 2, .dead).map { $0.failure?.code }
            #expect(codes.contains("callback_name_unresolved"))
        }
    }

    @Test("A name that leads inside is never called, and its delivery is dead at once")
    func forbidden() async throws {
        let receiver = CallbackReceiver()
        try await receiver.listen {
            try await SenderWorld.run(policy: CallbackPolicy(allowsHTTP: true)) { world in
                try await world.succeed("a", "http://receiver.test:\(receiver.port)/")
                let delivery = try #require(try await world.wait(for: 1, .dead).first)
                #expect(delivery.failure?.code == "callback_address_forbidden")
                #expect(delivery.attempts == 1)
                #expect(receiver.connections == 0)
            }
        }
    }

    @Test("The connection goes to the address that was judged, whatever the name leads to next")
    func pinned() async throws {
        let receiver = CallbackReceiver { number, _ in .status(number == 1 ? 500 : 200) }
        // The second answer would lead the second attempt to nobody.
        let resolver = ScriptedResolver(["receiver.test": [["127.0.0.1"], ["127.0.0.2"], ["127.0.0.1"]]])
        try await receiver.listen {
            try await SenderWorld.run(resolver: resolver) { world in
                try await world.succeed("a", "http://receiver.test:\(receiver.port)/")
                let delivery = try #require(try await world.wait(for: 1, .delivered).first)
                #expect(delivery.attempts == 3)
                #expect(receiver.received.count == 2)
                #expect(resolver.questions.count == 3)
            }
        }
    }

    @Test("An address that is down is not all that a name has: the next attempt goes to the next")
    func nextAddress() async throws {
        let receiver = CallbackReceiver()
        let resolver = ScriptedResolver(["receiver.test": [["127.0.0.2", "127.0.0.1"]]])
        try await receiver.listen {
            try await SenderWorld.run(resolver: resolver) { world in
                try await world.succeed("a", "http://receiver.test:\(receiver.port)/")
                #expect(try await world.wait(for: 1, .delivered).first?.attempts == 2)
            }
        }
    }

    @Test("While a receiver hangs, the outbox is not asked for what must wait")
    func patience() async throws {
        let hanging = CallbackReceiver { _, _ in .nothing }
        let clock = ListeningClock()
        var settings = SenderWorld.quick
        settings.receiverConcurrency = 1
        settings.timeout = .seconds(30)
        let pause = Duration.milliseconds(40)
        settings.longestPause = pause
        try await hanging.listen {
            try await SenderWorld.run(settings, clock: clock) { world in
                for number in 0..<3 { try await world.succeed("\(number)", "http://receiver.test:\(hanging.port)/") }
                await hanging.wait(for: 1)
                let before = clock.sleeps.count
                try await clock.wait(forSleeps: before + 5)
                #expect(clock.sleeps.dropFirst(before).allSatisfy { $0 == pause })
                #expect(hanging.received.count == 1)
            }
        }
    }

    @Test("A receiver's connection is used again")
    func keepAlive() async throws {
        let receiver = CallbackReceiver()
        var settings = SenderWorld.quick
        settings.receiverConcurrency = 1
        try await receiver.listen {
            try await SenderWorld.run(settings) { world in
                for number in 0..<5 { try await world.succeed("\(number)", "http://receiver.test:\(receiver.port)/") }
                _ = try await world.wait(for: 5, .delivered)
                #expect(receiver.connections == 1)
            }
        }
    }

    @Test("What is being sent at shutdown is due again, and sent by the next process")
    func shutdown() async throws {
        let receiver = CallbackReceiver { number, _ in number == 1 ? .nothing : .status(200) }
        let clock = ManualClock()
        let store = try await SQLiteTaskStore.inMemory(clock: clock, logger: SenderWorld.logger)
        var settings = SenderWorld.quick
        settings.timeout = .seconds(30)
        try await receiver.listen {
            let began = ContinuousClock.now
            try await SenderWorld.run(over: store, settings) { world in
                try await world.succeed("a", "http://receiver.test:\(receiver.port)/")
                await receiver.wait(for: 1)
            }
            #expect(ContinuousClock.now - began < .seconds(10))
            let page = try await store.deliveries(
                matching: DeliveryQuery(tenant: .standard, status: .pending, limit: 9))
            #expect(page.deliveries.count == 1)
            // Beyond the claim of the one that was shut down.
            clock.advance(by: .seconds(120))
            try await SenderWorld.run(over: store, settings) { world in
                let delivery = try #require(try await world.wait(for: 1, .delivered).first)
                #expect(delivery.attempts == 2)
                #expect(Set(receiver.received.flatMap { $0.headers["webhook-id"] }) == [delivery.id.description])
            }
        }
        try await store.close()
    }
}
