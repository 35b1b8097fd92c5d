import Foundation
import Tasks
import Testing

@testable import Celery

struct CeleryMessageTests {
    private func read(_ text: String) -> CeleryMessage.Reading {
        CeleryMessage.read(Array(text.utf8), taskName: "animato.generate")
    }

    private func task(_ text: String) throws -> CeleryMessage {
        guard case .task(let message) = read(text) else { throw NoTask() }
        return message
    }

    private struct NoTask: Error {}

    @Test("A real message is a request with the id of its task")
    func plain() throws {
        let message = try task(Recorded.plain)
        #expect(message.id == "11111111-1111-1111-1111-111111111111")
        #expect(String(decoding: message.body, as: UTF8.self) == #"{"prompt":"一只猫"}"#)
        #expect(message.brief.kwargs == "{'prompt': '一只猫'}")
        #expect(message.eta == nil)
        #expect(message.expires == nil)
    }

    @Test("Countdown and expires are moments")
    func delayed() throws {
        let message = try task(Recorded.delayed)
        #expect(message.eta.map { CeleryTime.text($0) } == "2026-11-29T01:49:50.040000+00:00")
        #expect(message.expires.map { CeleryTime.text($0) } == "2026-11-29T01:50:20.040000+00:00")
    }

    @Test("Celery's priority becomes ours, unless the fields name one")
    func priority() throws {
        var message = try task(Recorded.urgent)
        #expect(message.priority == 7)
        #expect(String(decoding: message.body, as: UTF8.self).hasSuffix(#","priority":"batch"}"#))
        message.kwargs.append(JSON.Member("priority", "interactive"))
        #expect(String(decoding: message.body, as: UTF8.self).hasSuffix(#","priority":"interactive"}"#))
        #expect(
            (0...9).map { CeleryMessage.priority($0)?.rawValue ?? "-" }.joined(separator: " ")
                == "- interactive interactive normal normal normal batch batch batch batch")
    }

    @Test("A positional argument is refused, and the sender can be told")
    func positional() throws {
        guard case .refused(let brief?, let exception) = read(Recorded.positional) else { throw NoTask() }
        #expect(brief.name == "animato.generate")
        #expect(exception.type == "TypeError")
    }

    /// The plain message with something replaced.
    private func changed(_ replacements: (String, String)...) -> String {
        replacements.reduce(Recorded.plain) { $0.replacingOccurrences(of: $1.0, with: $1.1) }
    }

    private func body(_ json: String) throws -> String {
        let start = try #require(Recorded.plain.range(of: "\"body\": \"")).upperBound
        let end = try #require(Recorded.plain[start...].range(of: "\"")).lowerBound
        return Recorded.plain.replacingCharacters(in: start..<end, with: Data(json.utf8).base64EncodedString())
    }

    @Test("What can never be carried out is refused with an exception of Python's")
    func refused() throws {
        let cases: [(String, String)] = [
            (changed(("\"animato.generate\"", "\"other.task\"")), "unknown_task"),
            (changed(("application/json", "application/x-python-serialize")), "unusable_body"),
            (changed(("\"utf-8\"", "\"binary\"")), "unusable_body"),
            (changed(("\"shadow\": null", "\"compression\": \"application/x-gzip\"")), "unusable_body"),
            (changed(("\"task\": \"animato.generate\", ", "")), "unknown_protocol"),
            (changed(("\"eta\": null", "\"eta\": \"tomorrow\"")), "malformed_message"),
            (changed(("\"expires\": null", "\"expires\": 12")), "malformed_message"),
            (changed(("\"base64\"", "\"hex\"")), "malformed_message"),
            (changed(("\"body\": \"W1", "\"body\": \"*")), "malformed_message"),
            (changed(("\"id\": \"1", "\"id\": \"\\u00e9")), "malformed_message"),
            (try body("[[], {}]"), "malformed_message"),
            (try body("[[], [], {}]"), "malformed_message"),
            (try body("{\"prompt\": \"x\"}"), "malformed_message"),
            (try body("[[], {\"a\": NaN}, {}]"), "malformed_message"),
            (try body("[[], {}, {\"callbacks\": [{\"task\": \"next\"}]}]"), "unsupported_workflow"),
            (try body("[[], {}, {\"chain\": [{\"task\": \"next\"}]}]"), "unsupported_workflow"),
        ]
        for (text, code) in cases {
            guard case .refused(let brief?, let exception) = read(text) else {
                Issue.record("taken: \(text)")
                continue
            }
            #expect(exception.code == code)
            #expect(!brief.id.isEmpty)
        }
    }

    @Test("Of what has no id nobody is told")
    func nameless() throws {
        for text in [
            "", "not json", "[]", "{}", "{\"body\": 1}", "{\"body\": \"\", \"headers\": [], \"properties\": {}}",
        ] {
            guard case .refused(nil, _) = read(text) else {
                Issue.record("taken: \(text)")
                continue
            }
        }
    }

    @Test("Of a message that is too long the id is found in what is left of it")
    func oversized() throws {
        guard case .refused(let brief?, let exception) = read("!" + Recorded.plain.suffix(600)) else { throw NoTask() }
        #expect(brief.id == "11111111-1111-1111-1111-111111111111")
        #expect(exception.code == "message_too_long")
        guard case .refused(nil, _) = read("!nothing") else { throw NoTask() }
    }

    @Test("No changed byte of a real message ends the program")
    func fuzz() {
        var random = SystemRandomNumberGenerator()
        let whole = Array(Recorded.plain.utf8)
        for _ in 0..<3000 {
            var bytes = whole
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                bytes[Int.random(in: bytes.indices, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            _ = CeleryMessage.read(bytes, taskName: "animato.generate")
        }
    }

    @Test("An open task is read as it was kept")
    func openTask() throws {
        let message = try task(Recorded.delayed)
        let open = OpenTask(brief: message.brief, task: TaskID(uuid: UUID()), tenant: TenantID(rawValue: "a"))
        #expect(OpenTask(open.bytes) == open)
        #expect(OpenTask(Array("{}".utf8)) == nil)
    }
}
