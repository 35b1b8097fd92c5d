import Foundation
import NIOCore
import Scheduling
import Tasks
import TestSupport
import Testing

@testable import API

struct DeliveryTests {
    private func delivery(_ number: Int64, _ status: DeliveryStatus = .pending) -> Delivery {
        let at = Timestamp(milliseconds: 1_795_406_400_000)
        return Delivery(
            id: DeliveryID(task: .fixture(), number: number),
            tenant: .standard,
            event: .succeeded,
            url: CallbackURL(stored: "https://example.org/hook?of=me", receiver: "https://example.org:443"),
            origin: "http://a",
            status: status,
            attempts: status == .pending ? 2 : 3,
            lastResponse: status == .delivered ? 204 : 500,
            failure: status == .delivered
                ? nil : TaskFailure(code: "callback_http_status", message: "It answered 500."),
            createdAt: at,
            nextAttemptAt: status == .pending ? at.advanced(by: .seconds(30)) : nil,
            endedAt: status == .pending ? nil : at.advanced(by: .seconds(60))
        )
    }

    @Test("A page of deliveries", arguments: DeliveryStatus.allCases)
    func page(_ status: DeliveryStatus) async throws {
        let service = ScriptedVideoService { $0.deliveries = [self.delivery(7, status), self.delivery(6)] }
        try await withAPI(service) { port in
            let query = "status=\(status.rawValue.uppercased())&limit=1&cursor=9&task_id=\(TaskID.fixture())"
            let response = try await request(port, "GET", "/api/v1/deliveries?\(query)")
            #expect(response.status == 200)
            try expectWire(response.body, "deliveries-\(status.rawValue)")
            let asked = try #require(service.lastDeliveryQuery)
            #expect(asked.status == status)
            #expect(asked.task == .fixture())
            #expect(asked.before == 9)
            #expect(asked.limit == 1)
            #expect(asked.tenant == .standard)
        }
    }

    @Test(
        "Every wrong parameter is named",
        arguments: [
            ("status=dead", ["status"]), ("task_id=7&cursor=x&limit=0", ["task_id", "cursor", "limit"]),
            ("cursor=0", ["cursor"]), ("cursor=-1", ["cursor"]), ("taskid=1", ["taskid"]),
            ("status=DEAD&status=DEAD", ["status"]),
        ]
    )
    func wrong(_ query: String, _ fields: [String]) async throws {
        try await withAPI { port in
            let response = try await request(port, "GET", "/api/v1/deliveries?\(query)")
            #expect(response.status == 422)
            let body = try JSONSerialization.jsonObject(with: Data(response.body)) as? [String: Any]
            let violations = body?["violations"] as? [[String: Any]]
            #expect(Set(violations?.compactMap { $0["field"] as? String } ?? []) == Set(fields))
        }
    }

    @Test("A delivery is sent again by its id, and only by it")
    func redeliver() async throws {
        let dead = delivery(7, .dead)
        try await withAPI(ScriptedVideoService { $0.deliveries = [dead] }) { port in
            let response = try await request(port, "POST", "/api/v1/deliveries/\(dead.id)/redeliver")
            #expect(response.status == 202)
            for id in [
                "x", "-7", "\(TaskID.fixture())", "\(TaskID.fixture())-07", "\(TaskID.fixture())-8", "\(dead.id)-",
            ] {
                let response = try await request(port, "POST", "/api/v1/deliveries/\(id)/redeliver")
                #expect(response.status == 404)
                #expect(response.code == "delivery_not_found")
            }
        }
    }

    @Test("The body of a callback is the task as GET shows it, in an envelope")
    func body() async throws {
        let task = GenerationTask.fixture(1, .succeeded)
        let bodies = CallbackBodies(settings: APISettings(), clock: ManualClock())
        var told = delivery(7)
        told.origin = "http://a"
        let body = bodies.body(of: ClaimedDelivery(delivery: told, task: task, fence: 1))
        let event = try #require(JSONSerialization.jsonObject(with: body) as? [String: Any])
        #expect(event["type"] as? String == "task.succeeded")
        #expect(event["timestamp"] as? String == "2026-11-23T04:00:00.000Z")
        let wire = TaskWire(task: task, origin: "http://a", obstacle: nil, links: nil).encoded()
        let shown = try JSONSerialization.jsonObject(with: Data(wire.readableBytesView)) as? NSDictionary
        #expect(event["data"] as? NSDictionary == shown)
    }
}
