import Access
import Foundation
import Scheduling
import Tasks
import TestSupport
import Testing

@testable import API

struct KeysTests {
    private func send(
        _ port: Int,
        _ method: String,
        _ path: String,
        _ key: String?,
        _ body: String? = nil,
        headers: [(String, String)] = []
    ) async throws -> HTTPResponseFixture {
        try await request(
            port,
            method,
            path,
            headers: (key.map { [("Authorization", "Bearer \($0)")] } ?? [])
                + (body == nil ? [] : [("Content-Type", "application/json")]) + headers,
            body: body
        )
    }

    private func object(_ response: HTTPResponseFixture) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: Data(response.body)) as? [String: Any])
    }

    @Test("The first key closes the door, and is shown once")
    func create() async throws {
        let world = try await AccessWorld()
        try await withAPI(access: world.control) { port in
            let path = "/api/v1/admin/keys"
            let early = try await send(port, "POST", path, nil, #"{"name":"shop"}"#)
            #expect(early.status == 409)
            #expect(early.code == "first_key_must_be_admin")
            let made = try await send(
                port, "POST", path, nil, #"{"name":"admin","scopes":["admin"],"callback_secret":true}"#)
            #expect(made.status == 201)
            let record = try object(made)
            let key = try #require(record["key"] as? String)
            let id = try #require(record["key_id"] as? String)
            let secret = try #require(record["callback_secret"] as? String)
            #expect(made["Location"]?.hasSuffix("\(path)/\(id)") == true)
            #expect(try await send(port, "GET", path, nil).status == 401)
            let text = made.text.replacing(key, with: "animato_…").replacing(id, with: "KeyID0123456")
                .replacing(secret, with: "whsec_…")
            try expectWire(Array(text.utf8), "key-created")
            let list = try await send(port, "GET", path, key)
            #expect(!list.text.contains(key) && !list.text.contains(secret))
            try expectWire(Array(list.text.replacing(id, with: "KeyID0123456").utf8), "keys")
        }
        #expect(world.audit.entries.map(\.outcome) == ["first_key_must_be_admin", "done"])
        #expect(world.audit.entries.last?.target.count == 12)
    }

    @Test("A repeated creation gives the key's record without its text")
    func idempotency() async throws {
        let world = try await AccessWorld(AccessSettings(adminKey: "a key of the settings"))
        try await withAPI(access: world.control) { port in
            let path = "/api/v1/admin/keys"
            let header = [("Idempotency-Key", "order-1")]
            let first = try await send(port, "POST", path, "a key of the settings", #"{"name":"a"}"#, headers: header)
            let again = try await send(port, "POST", path, "a key of the settings", #"{"name":"a"}"#, headers: header)
            #expect(first.status == 201)
            #expect(again.status == 200)
            #expect(again["Idempotency-Replayed"] == "true")
            #expect(try object(again)["key"] is NSNull)
            #expect(try object(again)["key_id"] as? String == object(first)["key_id"] as? String)
            let other = try await send(port, "POST", path, "a key of the settings", #"{"name":"b"}"#, headers: header)
            #expect(other.code == "idempotency_conflict")
        }
    }

    @Test("Everything that is wrong with a body is said at once")
    func violations() async throws {
        try await withAPI { port in
            let body = """
                {"nme":"x","scopes":["read","root"],"max_priority":"urgent","weight":"heavy","expires_at":"tomorrow",
                 "tenant":"a b","limits":{"burst":0,"requests_per_secnd":1,"waiting_tasks":1.5}}
                """
            let response = try await send(port, "POST", "/api/v1/admin/keys", nil, body)
            #expect(response.status == 422)
            #expect(
                Set(response.violationFields) == [
                    "nme", "name", "scopes", "max_priority", "weight", "expires_at", "tenant", "limits.burst",
                    "limits.requests_per_secnd", "limits.waiting_tasks",
                ])
            #expect(response.text.contains("Did you mean limits.requests_per_second?"))
            #expect(try await send(port, "POST", "/api/v1/admin/keys", nil, "[]").code == "malformed_json")
        }
    }

    @Test("A key is shown, changed, given a new secret and revoked")
    func life() async throws {
        let world = try await AccessWorld()
        let admin = try await world.key("admin", [.admin]).text
        let key = try await world.key("shop")
        try await withAPI(access: world.control, clock: world.clock) { port in
            let path = "/api/v1/admin/keys/\(key.id)"
            #expect(try object(await send(port, "GET", path, admin))["name"] as? String == "shop")
            let body = #"{"name":"Shop","weight":2.5,"limits":{"running_tasks":2},"expires_at":"2027-01-31T12:00:00Z"}"#
            let edited = try object(await send(port, "PATCH", path, admin, body))
            #expect(edited["name"] as? String == "Shop")
            #expect(edited["expires_at"] as? String == "2027-01-31T12:00:00.000Z")
            #expect((edited["limits"] as? [String: Any])?["running_tasks"] as? Int == 2)
            let freed = try object(await send(port, "PATCH", path, admin, #"{"expires_at":null,"limits":null}"#))
            #expect(freed["expires_at"] is NSNull)
            #expect((freed["limits"] as? [String: Any])?["running_tasks"] is NSNull)
            let tenant = try await send(port, "PATCH", path, admin, #"{"tenant":"other"}"#)
            #expect(tenant.violationFields == ["tenant"])
            let rotated = try object(await send(port, "POST", path + "/rotate", admin))
            let next = try #require(rotated["key"] as? String)
            #expect(rotated["previous_secret_ends_at"] as? String == "2026-01-02T00:00:00.000Z")
            for text in [key.text, next] { #expect(try await send(port, "GET", "/api/v1/me", text).status == 200) }
            let last = try object(await send(port, "POST", path + "/rotate", admin, #"{"grace_seconds":0}"#))
            #expect(try await send(port, "GET", "/api/v1/me", next).code == "key_expired")
            let long = try await send(port, "POST", path + "/rotate", admin, #"{"grace_seconds":604801}"#)
            #expect(long.violationFields == ["grace_seconds"])
            let revoked = try object(await send(port, "DELETE", path, admin))
            #expect(revoked["status"] as? String == "revoked")
            let text = try #require(last["key"] as? String)
            #expect(try await send(port, "GET", "/api/v1/me", text).code == "key_revoked")
            #expect(try await send(port, "POST", path + "/rotate", admin).code == "key_already_revoked")
            #expect(try await send(port, "GET", "/api/v1/admin/keys/none", admin).code == "key_not_found")
            #expect(try await send(port, "DELETE", "/api/v1/admin/keys/none", admin).code == "key_not_found")
        }
        #expect(
            world.audit.entries.map(\.action) == [
                "key.edit", "key.edit", "key.edit", "key.rotate", "key.rotate", "key.rotate", "key.revoke",
                "key.rotate", "key.revoke",
            ])
        #expect(world.audit.entries.first?.target == key.id.rawValue)
    }

    @Test("The last administrator's key stays")
    func last() async throws {
        let world = try await AccessWorld()
        let admin = try await world.key("admin", [.admin])
        try await withAPI(access: world.control) { port in
            let path = "/api/v1/admin/keys/\(admin.id)"
            #expect(try await send(port, "DELETE", path, admin.text).code == "last_admin_key")
            let narrowed = try await send(port, "PATCH", path, admin.text, #"{"scopes":["read"]}"#)
            #expect(narrowed.code == "last_admin_key")
        }
    }

    @Test("Keys are listed page by page")
    func pages() async throws {
        let world = try await AccessWorld()
        let admin = try await world.key("admin", [.admin])
        for number in 0..<4 { _ = try await world.key("key \(number)") }
        try await withAPI(access: world.control) { port in
            var names: [String] = []
            var cursor = ""
            repeat {
                let page = try object(await send(port, "GET", "/api/v1/admin/keys?limit=2\(cursor)", admin.text))
                names += (page["keys"] as? [[String: Any]] ?? []).compactMap { $0["name"] as? String }
                cursor = (page["next_cursor"] as? String).map { "&cursor=\($0)" } ?? ""
            } while !cursor.isEmpty
            #expect(names == ["key 3", "key 2", "key 1", "key 0", "admin"])
        }
    }

    @Test("An administrator sees, cancels and reorders anybody's tasks")
    func tasks() async throws {
        var task = GenerationTask.fixture(1)
        task.tenant = TenantID(rawValue: "shop")
        task.accessKey = KeyID(rawValue: "KeyID0123456")
        let service = ScriptedVideoService { [task] in
            $0.tasks = [task]
            $0.usage = [TenantUsage(tenant: TenantID(rawValue: "shop"), waiting: 1)]
        }
        let world = try await AccessWorld()
        let admin = try await world.key("admin", [.admin]).text
        try await withAPI(service, access: world.control) { port in
            let path = "/api/v1/admin/tasks/\(task.id)"
            #expect(try await send(port, "GET", "/api/v1/tasks/\(task.id)", admin).status == 404)
            let shown = try await send(port, "GET", path, admin)
            try expectWire(Array(shown.text.replacing(":\(port)", with: "").utf8), "task-of-anybody")
            let list = try object(await send(port, "GET", "/api/v1/admin/tasks?tenant=shop&status=PENDING", admin))
            #expect((list["tasks"] as? [[String: Any]])?.first?["tenant"] as? String == "shop")
            #expect(service.lastQuery?.tenant == TenantID(rawValue: "shop"))
            _ = try await send(port, "GET", "/api/v1/admin/tasks", admin)
            #expect(service.lastQuery?.tenant == nil)
            let urgent = try object(await send(port, "PATCH", path, admin, #"{"priority":"interactive"}"#))
            #expect(urgent["priority"] as? String == "interactive")
            #expect(try await send(port, "PATCH", path, admin, "{}").violationFields == ["priority"])
            let wrong = try await send(port, "PATCH", path, admin, #"{"priority":"x","a":1}"#)
            #expect(wrong.violationFields.sorted() == ["a", "priority"])
            #expect(try object(await send(port, "DELETE", path, admin))["status"] as? String == "CANCELLED")
            #expect(try await send(port, "DELETE", path, admin).code == "task_already_ended")
            #expect(try await send(port, "GET", "/api/v1/admin/tasks/none", admin).code == "task_not_found")
            let tenants = try await send(port, "GET", "/api/v1/admin/tenants", admin)
            try expectWire(tenants.body, "tenants")
        }
        #expect(
            world.audit.entries.map { "\($0.action) \($0.outcome)" } == [
                "task.priority done", "task.priority invalid_request", "task.priority invalid_request",
                "task.cancel done", "task.cancel task_already_ended",
            ])
    }

    @Test("A device's idle engines are told to give up their models")
    func unload() async throws {
        let service = ScriptedVideoService {
            $0.devices = [DeviceStatus(id: "cuda:0", kind: "GPU", state: .ready, totalBytes: 1, freeBytes: 1)]
        }
        try await withAPI(service) { port in
            let unloaded = try await send(port, "POST", "/api/v1/devices/cuda%3A0/unload", nil)
            #expect(unloaded.status == 200)
            let missing = try await send(port, "POST", "/api/v1/devices/cuda:1/unload", nil)
            #expect(missing.code == "device_not_found")
        }
    }
}
