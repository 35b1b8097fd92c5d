import Foundation
import NIOCore
import Scheduling
import Tasks
import TestSupport
import Testing

@testable import API

struct TaskTests {
    private let settings = APISettings(publicURL: "https://video.example.org")

    @Test("A task of each status has its body", arguments: TaskStatus.allCases)
    func bodies(_ status: TaskStatus) async throws {
        try await withAPI(ScriptedVideoService { $0.tasks = [.fixture(1, status)] }, settings) { port in
            let response = try await request(port, "GET", "/api/v1/tasks/\(TaskID.fixture())")
            #expect(response.status == 200)
            let name = WireStatus(status).rawValue.lowercased()
            #expect(response.json["status"] as? String == name.uppercased())
            try expectWire(response.body, "task-\(name)")
        }
    }

    @Test("Every body has its keys in sorted order", arguments: TaskStatus.allCases)
    func sorted(_ status: TaskStatus) throws {
        let body = TaskWire(task: .fixture(1, status), origin: "http://a", obstacle: nil, links: nil).encoded()
        let text = String(buffer: body)
        let sorted = try JSONSerialization.data(
            withJSONObject: JSONSerialization.jsonObject(with: Data(text.utf8)),
            options: [.sortedKeys, .withoutEscapingSlashes]
        )
        // Foundation spells 5.0 as 5.
        let plain = text.replacing("5.0", with: "5")
        #expect(plain == String(decoding: sorted, as: UTF8.self))
    }

    @Test("A task that waits says for what")
    func waiting() async throws {
        let obstacle = Obstacle(code: "engine_not_startable", message: "Install Python 3.11.")
        let service = ScriptedVideoService {
            $0.tasks = [.fixture()]
            $0.obstacles = [obstacle]
        }
        try await withAPI(service) { port in
            let path = "/api/v1/tasks/\(TaskID.fixture())"
            let blocked = try await request(port, "GET", path).json["waiting"] as? [String: String]
            #expect(blocked == ["code": obstacle.code, "message": obstacle.message])
            service.change {
                $0.obstacles = []
                $0.tasks[0].generation.failure = TaskFailure(code: "engine_crashed", message: "Tried again.")
            }
            let requeued = try await request(port, "GET", path).json["waiting"] as? [String: String]
            #expect(requeued?["code"] == "engine_crashed")
        }
    }

    @Test("A cancelled task shows neither the result nor the start of work that others wanted")
    func cancelled() async throws {
        var task = GenerationTask.fixture(1, .cancelled)
        task.generation.status = .succeeded
        task.generation.result = .fixture
        task.generation.startedAt = task.finishedAt?.advanced(by: .seconds(1))
        try await withAPI(ScriptedVideoService { [task] in $0.tasks = [task] }) { port in
            let json = try await request(port, "GET", "/api/v1/tasks/\(task.id)").json
            for key in ["video", "video_url", "rendered_size", "seed", "progress", "started_at", "error"] {
                #expect(json[key] is NSNull, "\(key)")
            }
        }
    }

    @Test("A task that changes is never answered from an older body")
    func changes() async throws {
        let service = ScriptedVideoService { $0.tasks = [.fixture(1, .running)] }
        try await withAPI(service) { port in
            let path = "/api/v1/tasks/\(TaskID.fixture())"
            for step in 1...5 {
                service.change { $0.tasks[0].generation.progress?.step = step }
                for _ in 0..<2 {
                    let progress = try await request(port, "GET", path).json["progress"] as? [String: Any]
                    #expect(progress?["step"] as? Int == step)
                }
            }
        }
    }

    @Test("The place in the queue and the seconds that are left are never answered from an older body")
    func outlook() async throws {
        let service = ScriptedVideoService { $0.tasks = [.fixture()] }
        try await withAPI(service) { port in
            let path = "/api/v1/tasks/\(TaskID.fixture())"
            for position in (1...5).reversed() {
                service.change {
                    $0.outlook = TaskOutlook(queuePosition: position, etaSeconds: Double(position) + 0.26)
                }
                for _ in 0..<2 {
                    let json = try await request(port, "GET", path).json
                    #expect(json["queue_position"] as? Int == position)
                    #expect(json["eta_seconds"] as? Double == Double(position) + 0.3)
                }
            }
            service.change { $0.outlook = TaskOutlook(queuePosition: nil, etaSeconds: -1) }
            let late = try await request(port, "GET", path).json
            #expect(late["queue_position"] is NSNull)
            #expect(late["eta_seconds"] as? Double == 0)
        }
    }

    @Test("A task that runs has no place in the queue, and one that has ended nothing to wait for")
    func outlooksEnd() async throws {
        for status in TaskStatus.allCases {
            let service = ScriptedVideoService {
                $0.tasks = [.fixture(1, status)]
                $0.outlook = TaskOutlook(queuePosition: 3, etaSeconds: .infinity)
            }
            try await withAPI(service) { port in
                let page = try await request(port, "GET", "/api/v1/tasks").json["tasks"] as? [[String: Any]]
                let shown = [try await request(port, "GET", "/api/v1/tasks/\(TaskID.fixture())").json] + (page ?? [])
                #expect(shown.count == 2)
                for json in shown {
                    #expect(json["queue_position"] as? Int == (status == .queued ? 3 : nil))
                    // JSON has no infinity.
                    #expect(json["eta_seconds"] is NSNull)
                }
            }
            service.change { $0.outlook.etaSeconds = 2 }
            try await withAPI(service) { port in
                let json = try await request(port, "GET", "/api/v1/tasks/\(TaskID.fixture())").json
                #expect(json["eta_seconds"] as? Double == (status.isTerminal ? nil : 2))
            }
        }
    }

    @Test("A video of which less was made says what was asked for and what was made")
    func degraded() async throws {
        var task = GenerationTask.fixture(1, .succeeded)
        var draft = VideoRequest.Draft()
        draft.prompt = "a cat"
        draft.degrade = "allow"
        draft.minSteps = 20
        task.generation.request = try VideoRequest(draft, for: .fixture)
        task.generation.result?.steps = 30
        task.generation.result?.stepCache = .balanced
        task.generation.result?.numFrames = 25
        task.generation.result?.width = 448
        task.generation.result?.height = 256
        let service = ScriptedVideoService { [task] in $0.tasks = [task] }
        try await withAPI(service, settings) { port in
            let response = try await request(port, "GET", "/api/v1/tasks/\(task.id)")
            #expect(response.json["degraded"] as? Bool == true)
            try expectWire(response.body, "task-degraded")
        }
    }

    @Test("The cache of bodies is bounded and never wrong")
    func cache() {
        let cache = TaskBodyCache(capacity: 8)
        for round in 0..<3 {
            for number in 0..<100 {
                let wire = TaskWire(
                    task: .fixture(number + round, .running), origin: "http://a", obstacle: nil, links: nil)
                #expect(cache.body(for: wire) == wire.encoded())
                #expect(cache.body(for: wire) == wire.encoded())
            }
        }
        let wire = TaskWire(task: .fixture(), origin: "http://b", obstacle: nil, links: nil)
        #expect(TaskBodyCache(capacity: 0).body(for: wire) == wire.encoded())
    }

    @Test(
        "A task that is not there is 404",
        arguments: ["019300aa-0000-7000-8000-00000000ffff", "x", "..", "%2e%2e", "019300AA", "null", "1%00"]
    )
    func unknown(_ id: String) async throws {
        try await withAPI(ScriptedVideoService { $0.tasks = [.fixture()] }) { port in
            for method in ["GET", "DELETE"] {
                let response = try await request(port, method, "/api/v1/tasks/\(id)")
                #expect(response.status == 404)
                #expect(response.code == "task_not_found")
            }
        }
    }

    @Test("A task of another tenant is not there")
    func foreign() async throws {
        var task = GenerationTask.fixture()
        task.tenant = TenantID(rawValue: "other")
        try await withAPI(ScriptedVideoService { [task] in $0.tasks = [task] }) { port in
            let seen = try await request(port, "GET", "/api/v1/tasks/\(task.id)")
            #expect(seen.status == 404)
            let cancelled = try await request(port, "DELETE", "/api/v1/tasks/\(task.id)")
            #expect(cancelled.status == 404)
        }
    }

    @Test("A cancel answers with the task, and once only")
    func cancel() async throws {
        try await withAPI(ScriptedVideoService { $0.tasks = [.fixture(1, .running)] }) { port in
            let path = "/api/v1/tasks/\(TaskID.fixture())"
            let first = try await request(port, "DELETE", path)
            #expect(first.status == 200)
            #expect(first.json["status"] as? String == "CANCELLED")
            let second = try await request(port, "DELETE", path, headers: [("X-Request-ID", "second")])
            #expect(second.status == 409)
            try expectWire(second.body, "problem-already-ended")
        }
    }

    @Test("Tasks are listed newest first, page by page")
    func list() async throws {
        let service = ScriptedVideoService { $0.tasks = (1...5).reversed().map { .fixture($0) } }
        try await withAPI(service) { port in
            var path = "/api/v1/tasks?limit=2"
            var seen: [String] = []
            for _ in 0..<3 {
                let json = try await request(port, "GET", path).json
                let tasks = json["tasks"] as? [[String: Any]] ?? []
                seen += tasks.compactMap { $0["task_id"] as? String }
                guard let next = json["next_cursor"] as? String else {
                    #expect(json["next_cursor"] is NSNull)
                    break
                }
                path = "/api/v1/tasks?limit=2&cursor=\(next)"
            }
            #expect(seen == (1...5).reversed().map { TaskID.fixture($0).description })

            #expect(try await request(port, "GET", "/api/v1/tasks").status == 200)
            #expect(service.lastQuery?.limit == 20)
            #expect(service.lastQuery?.status == nil)
            _ = try await request(port, "GET", "/api/v1/tasks?status=SUCC%45SS&limit=100")
            #expect(service.lastQuery?.limit == 100)
            #expect(service.lastQuery?.status == .succeeded)
        }
    }

    @Test("An empty list is a list")
    func empty() async throws {
        try await withAPI { port in
            let response = try await request(port, "GET", "/api/v1/tasks")
            #expect(response.text == #"{"next_cursor":null,"tasks":[]}"#)
        }
    }

    @Test(
        "A wrong query is refused",
        arguments: [
            ("limit=0", ["limit:out_of_range"]), ("limit=101", ["limit:out_of_range"]),
            ("limit=-1", ["limit:out_of_range"]),
            ("limit=", ["limit:wrong_type"]), ("limit=a", ["limit:wrong_type"]), ("limit=1.5", ["limit:wrong_type"]),
            ("limit=99999999999999999999", ["limit:wrong_type"]), ("status=success", ["status:not_allowed"]),
            ("status=", ["status:not_allowed"]), ("status", ["status:not_allowed"]),
            ("cursor=x", ["cursor:not_allowed"]),
            ("cursor=%ff", ["cursor:not_allowed"]), ("statu=FAILED", ["statu:unknown_field"]),
            ("limit=1&limit=2", ["limit:not_allowed"]),
            ("limit=x&status=y&cursor=z", ["status:not_allowed", "cursor:not_allowed", "limit:wrong_type"]),
        ]
    )
    func query(_ query: String, _ expected: [String]) async throws {
        try await withAPI { port in
            let response = try await request(port, "GET", "/api/v1/tasks?\(query)")
            #expect(response.status == 422)
            #expect(response.violations == expected)
        }
    }
}
