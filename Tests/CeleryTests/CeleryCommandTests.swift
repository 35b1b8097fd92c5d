import Foundation
import Testing

@testable import Celery

struct CeleryCommandTests {
    private func read(_ text: String, as worker: String = "animato@host") -> CeleryCommand? {
        CeleryCommand(Array(text.utf8), for: worker)
    }

    @Test("A real ping says where its answer goes")
    func ping() throws {
        let command = try #require(read(Recorded.ping))
        #expect(command.method == "ping")
        #expect(command.reply?.exchange == "reply.celery.pidbox")
        #expect(command.reply?.routingKey == "b63ebc22-f385-335a-bde6-e8993db53762")
        #expect(command.reply?.ticket == "e7d6dfc0-c7f7-44ce-b292-d14f22bfa1e6")
        #expect(command.clock == 1)
    }

    @Test("A real revoke names its task and wants no answer")
    func revoke() throws {
        let command = try #require(read(Recorded.revoke))
        #expect(command.taskIDs == ["d34b1c07-35df-462e-ab4b-69683a30fb1d"])
        #expect(command.arguments["terminate"] == .bool(true))
        #expect(command.reply == nil)
    }

    private func command(_ members: (String, JSON)...) -> String {
        let body = JSON.object([JSON.Member("method", "ping")] + members.map { JSON.Member($0.0, $0.1) })
        let envelope = KombuEnvelope.outgoing(body, headers: [:], exchange: "celery.pidbox", routingKey: "", tag: "t")
        return String(decoding: envelope.bytes, as: UTF8.self)
    }

    @Test("What is for others is not for this one")
    func destination() {
        #expect(read(command(("destination", ["animato@host"]))) != nil)
        #expect(read(command(("destination", ["celery@other"]))) == nil)
        #expect(read(command(("destination", []))) != nil)
        #expect(read(command(("pattern", "animato@*"), ("matcher", "glob"))) != nil)
        #expect(read(command(("pattern", "*@h?st"), ("matcher", "glob"))) != nil)
        #expect(read(command(("pattern", "celery@*"), ("matcher", "glob"))) == nil)
        #expect(read(command(("pattern", ".*"), ("matcher", "pcre"))) == nil)
        #expect(read(command(("pattern", .string(String(repeating: "*", count: 200))), ("matcher", "glob"))) != nil)
    }

    @Test("An answer goes nowhere but to exchanges for answers")
    func reply() {
        let foreign = command(("reply_to", ["exchange": "celery", "routing_key": "x"]), ("ticket", "t"))
        #expect(read(foreign)?.reply == nil)
    }

    @Test("What cannot be understood is passed over", arguments: ["", "x", "{}", "[]", "{\"body\": \"eA==\"}"])
    func garbage(_ text: String) {
        #expect(read(text) == nil)
    }
}
