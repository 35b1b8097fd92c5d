import Tasks
import Testing

@testable import Celery

struct CeleryRecordTests {
    private let brief = CeleryBrief(id: "id-1", name: "animato.generate")

    private func value(_ record: CeleryRecord) throws -> JSON {
        try JSONParser.parse(record.bytes(of: brief, worker: "animato@host", queue: "animato"))
    }

    @Test("A record has every member that a real one has, and the same kinds of values")
    func members() throws {
        let real = try JSONParser.parse(Array(Recorded.success.utf8))
        let ours = try value(CeleryRecord(.success, ["a": .integer(1)], doneAt: Timestamp(milliseconds: 0)))
        for member in try #require(real.members) {
            #expect(ours[member.name] != nil, "\(member.name)")
        }
        #expect(ours["status"] == real["status"])
        #expect(ours["result"] == real["result"])
        #expect(ours["children"] == real["children"])
        #expect(ours["traceback"] == real["traceback"])
        #expect(ours["date_done"]?.text?.count == real["date_done"]?.text?.count)
    }

    @Test("A failure is an exception, with each violation beside it")
    func failure() throws {
        let exception = CeleryException(
            "ValueError", "width must be even.", code: "invalid_request", violations: [["field": "width"]])
        let ours = try value(CeleryRecord(.failure, exception, doneAt: Timestamp(milliseconds: 0)))
        #expect(ours["result"]?["exc_type"] == "ValueError")
        #expect(ours["result"]?["exc_module"] == "builtins")
        #expect(ours["result"]?["exc_message"] == ["width must be even."])
        #expect(ours["violations"] == [["field": "width"]])
        #expect(ours["code"] == "invalid_request")
    }

    @Test("An event has what monitors look for")
    func event() {
        let stamp = CeleryStamp(
            worker: "animato@host", version: "1", pid: 7, clock: 3, at: Timestamp(milliseconds: 1500))
        let event = CeleryEvent.succeeded("id-1", result: "{}", runtime: 2)
        let body = event.body(stamp, freq: 2)
        #expect(event.routingKey == "task.succeeded")
        #expect(body["type"] == "task-succeeded")
        #expect(body["uuid"] == "id-1")
        #expect(body["hostname"] == "animato@host")
        #expect(body["timestamp"] == .number("1.5"))
        #expect(body["clock"] == .number("3"))
    }
}
