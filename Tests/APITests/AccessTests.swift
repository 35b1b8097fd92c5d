import Access
import Foundation
import NIOCore
import Results
import Scheduling
import Tasks
import TestSupport
import Testing

@testable import API

struct AccessTests {
    private func bearer(_ key: String) -> [(String, String)] { [("Authorization", "Bearer \(key)")] }

    @Test("Without a key it is 401 with a challenge, and with one that opens nothing as well")
    func unauthorized() async throws {
        let world = try await AccessWorld()
        let admin = try await world.key("admin", [.admin])
        try await withAPI(access: world.control) { port in
            let none = try await request(port, "GET", "/api/v1/tasks")
            #expect(none.status == 401)
            #expect(none.code == "key_required")
            #expect(none["WWW-Authenticate"] == "Bearer")
            #expect(none["Content-Type"] == "application/problem+json")
            for value in ["Bearer nonsense", "Bearer", "Basic YTpi", "Bearer \(admin.text)x", admin.text] {
                let wrong = try await request(port, "GET", "/api/v1/tasks", headers: [("Authorization", value)])
                #expect(wrong.status == 401)
                #expect(wrong.code == "key_invalid")
                #expect(wrong["WWW-Authenticate"] == "Bearer error=\"invalid_token\"")
            }
            #expect(try await request(port, "GET", "/api/v1/tasks", headers: bearer(admin.text)).status == 200)
            let shouted = [("authorization", "BEARER \(admin.text)")]
            #expect(try await request(port, "GET", "/api/v1/tasks", headers: shouted).status == 200)
            for path in ["/healthz", "/readyz"] { #expect(try await request(port, "GET", path).status == 200) }
            #expect(try await request(port, "GET", "/nowhere").status == 404)
            #expect(try await request(port, "PUT", "/api/v1/tasks").status == 405)
        }
    }

    @Test("A key that lacks the scope is 403 and told which; what an administrator may is written down")
    func forbidden() async throws {
        let world = try await AccessWorld()
        let admin = try await world.key("admin", [.admin])
        let reader = try await world.key("reader", [.read])
        try await withAPI(access: world.control) { port in
            let drained = try await request(port, "POST", "/api/v1/drain", headers: bearer(reader.text))
            #expect(drained.status == 403)
            #expect(drained.code == "scope_missing")
            #expect(drained.text.contains("scope admin"))
            #expect(drained["WWW-Authenticate"] == "Bearer error=\"insufficient_scope\", scope=\"admin\"")
            let made = try await generate(port, #"{"prompt":"a cat"}"#, headers: bearer(reader.text))
            #expect(made.status == 403)
            #expect(made.text.contains("scope generate"))
            #expect(try await request(port, "POST", "/api/v1/drain", headers: bearer(admin.text)).status == 200)
            #expect(try await request(port, "POST", "/api/v1/drain").status == 401)
        }
        #expect(world.audit.entries.map(\.key) == [reader.id.rawValue, admin.id.rawValue])
        #expect(world.audit.entries.map(\.outcome) == ["scope_missing", "done"])
        #expect(world.audit.entries.map(\.action) == ["server.drain", "server.drain"])
        #expect(world.audit.entries.allSatisfy { $0.peer == "127.0.0.1" && $0.target == "server" })
    }

    @Test("Tasks are made for the key's tenant, with its weight and limits")
    func caller() async throws {
        let service = ScriptedVideoService()
        let world = try await AccessWorld()
        _ = try await world.key("admin", [.admin])
        let key = try await world.key("shop", tenant: "shop") { draft in
            draft.weight = 3
            draft.limits = KeyDraft.Limits(waitingTasks: 5)
        }
        try await withAPI(service, access: world.control) { port in
            let made = try await generate(port, #"{"prompt":"a cat"}"#, headers: bearer(key.text))
            #expect(made.status == 202)
        }
        let caller = try #require(service.submitted.first?.caller)
        #expect(caller.tenant == TenantID(rawValue: "shop"))
        #expect(caller.key == key.id)
        #expect(caller.weight == 3)
        #expect(caller.limits.waitingTasks == 5)
    }

    @Test("A priority above the key's ceiling is a violation among the others, and none is the ceiling at most")
    func ceiling() async throws {
        let service = ScriptedVideoService()
        let world = try await AccessWorld()
        _ = try await world.key("admin", [.admin])
        let key = try await world.key("nightly") { $0.maxPriority = .batch }
        try await withAPI(service, access: world.control) { port in
            let body = #"{"prompt":"","priority":"normal","fsp":8}"#
            let refused = try await generate(port, body, headers: bearer(key.text))
            #expect(refused.status == 422)
            #expect(refused.violationFields.sorted() == ["fsp", "priority", "prompt"])
            #expect(refused.text.contains("priority must be at most batch"))
            let made = try await generate(port, #"{"prompt":"a cat"}"#, headers: bearer(key.text))
            #expect(made.status == 202)
        }
        #expect(service.submitted.map(\.priority) == [.batch])
    }

    @Test("A limit of requests is on every answer, and beyond it the answer is 429")
    func rate() async throws {
        let world = try await AccessWorld()
        _ = try await world.key("admin", [.admin])
        let key = try await world.key("shop") { draft in
            draft.limits = KeyDraft.Limits(requestsPerSecond: 0.5, burst: 3)
        }
        try await withAPI(access: world.control) { port in
            let answers = [
                try await request(port, "GET", "/api/v1/tasks", headers: bearer(key.text)),
                try await request(port, "GET", "/api/v1/tasks/none", headers: bearer(key.text)),
                try await request(port, "POST", "/api/v1/drain", headers: bearer(key.text)),
                try await request(port, "GET", "/api/v1/tasks", headers: bearer(key.text)),
            ]
            #expect(answers.map(\.status) == [200, 404, 403, 429])
            #expect(answers.allSatisfy { $0["RateLimit-Policy"] == "\"requests\";q=3;w=6" })
            let left = ["r=2;t=0", "r=1;t=0", "r=0;t=2", "r=0;t=2"]
            #expect(answers.map { $0["RateLimit"] } == left.map { "\"requests\";\($0)" })
            #expect(answers[3].code == "rate_limited")
            #expect(answers[3]["Retry-After"] == "2")
            world.clock.advance(by: .seconds(2))
            #expect(try await request(port, "GET", "/api/v1/tasks", headers: bearer(key.text)).status == 200)
        }
    }

    @Test("A limit of the tenant is 429 with the time of its end")
    func tenantLimit() async throws {
        let service = ScriptedVideoService {
            $0.failure = .store(.tenantLimit(.deviceSeconds(60, retryAfter: .seconds(77))))
        }
        try await withAPI(service) { port in
            let response = try await generate(port, #"{"prompt":"a cat"}"#)
            #expect(response.status == 429)
            #expect(response.code == "device_seconds_limit")
            #expect(response["Retry-After"] == "77")
            service.change { $0.failure = .store(.tenantLimit(.waitingTasks(3))) }
            let waiting = try await generate(port, #"{"prompt":"a cat"}"#)
            #expect(waiting.code == "waiting_limit")
            #expect(waiting["Retry-After"] == "5")
        }
    }

    @Test("While keys are needed, a video opens by its signed address, to its tenant, and to administrators")
    func videos() async throws {
        var task = GenerationTask.fixture(1, .succeeded)
        task.tenant = TenantID(rawValue: "shop")
        let video = try #require(task.generation.result?.video)
        let name = try #require(VideoName(video))
        let service = ScriptedVideoService { [task] script in
            script.tasks = [task]
            script.videos[name] = .memory(.init(bytes: [1, 2, 3]))
        }
        let world = try await AccessWorld()
        let settings = APISettings(keptLinkSecret: String(repeating: "k", count: 44))
        try await withAPI(service, settings, access: world.control) { port in
            let path = "/api/v1/videos/\(video).mp4"
            #expect(try await request(port, "GET", path).status == 200)
            let admin = try await world.key("admin", [.admin])
            let owner = try await world.key("shop", tenant: "shop", [.read])
            let other = try await world.key("other", [.read])
            let writer = try await world.key("writer", tenant: "shop", [.generate])
            #expect(try await request(port, "GET", path).code == "key_required")
            #expect(try await request(port, "GET", path, headers: bearer(owner.text)).status == 200)
            #expect(try await request(port, "GET", path, headers: bearer(admin.text)).status == 200)
            #expect(try await request(port, "GET", path, headers: bearer(other.text)).code == "video_not_found")
            #expect(try await request(port, "GET", path, headers: bearer(writer.text)).code == "scope_missing")
            let shown = try await request(port, "GET", "/api/v1/tasks/\(task.id)", headers: bearer(owner.text))
            let url = try #require(shown.text.firstMatch(of: /"video_url":"http:\/\/[^\/]+([^"]+)"/)).output.1
            let link = String(url)
            #expect(link.contains("?expires="))
            let opened = try await request(port, "GET", link)
            #expect(opened.status == 200)
            #expect(opened["Cache-Control"] == "private, max-age=3600")
            #expect(try await request(port, "GET", link, headers: bearer(other.text)).status == 200)
            #expect(try await request(port, "GET", link + "x").code == "video_link_required")
            #expect(try await request(port, "GET", link + "x", headers: bearer(owner.text)).status == 200)
        }
    }

    @Test("What tells of the server's inside is for administrators while keys are needed")
    func inside() async throws {
        let obstacle = Obstacle(code: "model_missing", message: "There is nothing at /srv/models/secret.")
        let service = ScriptedVideoService {
            $0.obstacles = [obstacle]
            $0.catalog = nil
            $0.tasks = [.fixture(1, .queued)]
        }
        let world = try await AccessWorld()
        try await withAPI(service, access: world.control) { port in
            #expect(try await request(port, "GET", "/readyz").text.contains("/srv/models"))
            let admin = try await world.key("admin", tenant: "default", [.admin])
            let reader = try await world.key("reader", tenant: "default", [.read])
            let task = "/api/v1/tasks/\(TaskID.fixture(1))"
            for headers in [[], bearer("nonsense"), bearer(reader.text)] {
                let ready = try await request(port, "GET", "/readyz", headers: headers)
                #expect(ready.status == 503)
                #expect(ready.text.contains("model_missing"))
                #expect(!ready.text.contains("/srv"))
            }
            #expect(try await request(port, "GET", "/readyz", headers: bearer(admin.text)).text.contains("/srv"))
            for path in ["/api/v1/models", task] {
                let text = try await request(port, "GET", path, headers: bearer(reader.text)).text
                #expect(!text.contains("/srv") && !text.contains("Install the engine"))
                let full = try await request(port, "GET", path, headers: bearer(admin.text)).text
                #expect(full.contains("/srv") || full.contains("Install the engine"))
            }
        }
    }

    @Test("What a caller may, and has under way, is told to it")
    func me() async throws {
        let service = ScriptedVideoService {
            $0.usage = [
                TenantUsage(tenant: TenantID(rawValue: "other"), waiting: 9),
                TenantUsage(
                    tenant: TenantID(rawValue: "shop"), waiting: 2, running: 1, deviceSecondsToday: 12.5,
                    storageBytes: 7),
            ]
        }
        let world = try await AccessWorld()
        try await withAPI(service, access: world.control) { port in
            let open = try await request(port, "GET", "/api/v1/me")
            try expectWire(open.body, "me-anybody")
            _ = try await world.key("admin", [.admin])
            let key = try await world.key("Shop", tenant: "shop") { draft in
                draft.limits = KeyDraft.Limits(requestsPerSecond: 2, waitingTasks: 10)
                draft.maxPriority = .normal
            }
            let me = try await request(port, "GET", "/api/v1/me", headers: bearer(key.text))
            let text = me.text.replacing(key.id.rawValue, with: "KeyID0123456")
            try expectWire(Array(text.utf8), "me")
        }
    }
}

extension HTTPResponseFixture {
    /// The fields of a problem's violations.
    var violationFields: [String] {
        violations.map { String($0.prefix { $0 != ":" }) }
    }
}
