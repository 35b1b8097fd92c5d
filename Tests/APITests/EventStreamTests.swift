import Foundation
import Scheduling
import Tasks
import TestSupport
import Testing

@testable import API

/// `GET /api/v1/tasks/{task_id}/events`, over a real connection.
struct EventStreamTests {
    private static let id = TaskID.fixture()
    private static let path = "/api/v1/tasks/\(id)/events"

    private func event(_ sequence: Int64, _ kind: TaskEvent.Kind, tenant: TenantID = .standard) -> TaskEvent {
        TaskEvent(
            sequence: sequence,
            task: Self.id,
            tenant: tenant,
            kind: kind,
            at: Timestamp(milliseconds: 1_795_406_400_000 + sequence)
        )
    }

    private func service(_ status: TaskStatus, _ events: [TaskEvent]) -> ScriptedVideoService {
        ScriptedVideoService {
            $0.tasks = [.fixture(1, status)]
            $0.events = events
        }
    }

    /// Reads the next events of a stream, framing left out.
    private func events(_ count: Int, from client: HTTPClientFixture) async throws -> [String] {
        var events: [String] = []
        while events.count < count {
            // A chunk's own line ends with CR LF: none of these are in an event.
            let text = try await client.read(through: "\n\n")
            guard let start = text.range(of: "id: ") ?? text.range(of: "event: ") else { continue }
            events.append(String(text[start.lowerBound...]))
        }
        return events
    }

    private func data(_ event: String) throws -> [String: Any] {
        let line = try #require(event.split(separator: "\n").first { $0.hasPrefix("data: ") })
        return try #require(try JSONSerialization.jsonObject(with: Data(line.dropFirst(6).utf8)) as? [String: Any])
    }

    @Test("A stream begins with the present and goes on with what happens, to the end")
    func life() async throws {
        let service = service(.queued, [event(4, .queued)])
        try await withAPI(service, APISettings(publicURL: "https://video.example.org")) { port in
            let client = try HTTPClientFixture(port: port)
            try await client.send("GET", Self.path)
            let head = try await client.read(through: "\r\n\r\n")
            #expect(head.hasPrefix("HTTP/1.1 200"))
            for field in [
                "Content-Type: text/event-stream", "Cache-Control: no-store", "X-Accel-Buffering: no", "X-Request-ID: ",
                "X-Content-Type-Options: nosniff", "transfer-encoding: chunked",
            ] {
                #expect(head.contains(field + (field.hasSuffix(" ") ? "" : "\r\n")), "\(field)")
            }
            #expect(try await client.read(through: "\n\n").contains("retry: 2000"))
            let queued = try await events(1, from: client)[0]
            #expect(queued.hasPrefix("id: 4\nevent: status\n"))
            #expect(try data(queued)["status"] as? String == "PENDING")
            #expect(try data(queued)["task_id"] as? String == "\(Self.id)")

            let running = event(9, .running)
            service.change(Self.id) {
                $0.tasks = [.fixture(1, .running)]
                $0.outlook = TaskOutlook(queuePosition: nil, etaSeconds: 12.34)
                $0.previews = [Self.id: Preview(bytes: [], version: 77)]
                $0.events.append(running)
            }
            let told = try await events(3, from: client)
            #expect(told[0].hasPrefix("id: 9\nevent: status\n"))
            #expect(
                told[1]
                    == "event: progress\ndata: {\"eta_seconds\":12.3,\"stage\":\"denoise\",\"step\":12,\"total_steps\":50}\n\n"
            )
            #expect(
                told[2]
                    == "event: preview\ndata: {\"preview_url\":\"https://video.example.org/api/v1/tasks/\(Self.id)/preview\",\"version\":77}\n\n"
            )
            let succeeded = event(10, .succeeded)
            service.change(Self.id) {
                $0.tasks = [.fixture(1, .succeeded)]
                $0.events.append(succeeded)
            }
            let last = try await events(2, from: client)
            #expect(last[0].hasPrefix("id: 10\nevent: status\n"))
            #expect(last[1].hasPrefix("event: end\n"))
            try expectWire(Array(last[1].split(separator: "\n")[1].dropFirst(6).utf8), "task-success")
            // The connection is as good as new.
            _ = try await client.read(through: "0\r\n\r\n")
            try await client.send("GET", "/healthz")
            #expect(try await client.response().status == 200)
        }
    }

    @Test("What was missed is told, each with the moment it had", arguments: [true, false])
    func resumed(_ inHeader: Bool) async throws {
        let service = service(
            .succeeded,
            [event(1, .queued), event(2, .running), event(5, .requeued), event(6, .running), event(7, .succeeded)])
        try await withAPI(service) { port in
            let client = try HTTPClientFixture(port: port)
            try await client.send(
                "GET",
                inHeader ? Self.path + "?last_event_id=6" : Self.path + "?last_event_id=1",
                headers: inHeader ? [("Last-Event-ID", "1")] : []
            )
            let told = try await events(5, from: client)
            #expect(
                told[0]
                    == "id: 2\nevent: status\ndata: {\"at\":\"2026-11-23T04:00:00.002Z\",\"status\":\"RUNNING\"}\n\n")
            #expect(told[1].hasPrefix("id: 5\nevent: status\n"))
            #expect(try data(told[1])["status"] as? String == "PENDING")
            #expect(told[2].hasPrefix("id: 6\nevent: status\n"))
            #expect(told[3].hasPrefix("id: 7\nevent: status\n"))
            #expect(try data(told[3])["video_url"] is String)
            #expect(told[4].hasPrefix("event: end\n"))
        }
    }

    @Test("A task of nobody, or of another, is no stream", arguments: ["a", "\(TaskID.fixture(2))"])
    func unknown(_ id: String) async throws {
        var foreign = GenerationTask.fixture(2, .running)
        foreign.tenant = TenantID(rawValue: "other")
        try await withAPI(ScriptedVideoService { [foreign] in $0.tasks = [foreign] }) { port in
            let response = try await request(port, "GET", "/api/v1/tasks/\(id)/events")
            #expect(response.status == 404)
            #expect(response.code == "task_not_found")
        }
    }

    @Test(
        "An id that no event can have is refused",
        arguments: [
            ("?last_event_id=-1", [], ["last_event_id:not_allowed"]),
            ("?last_event_id=x&last=1", [], ["last:unknown_field", "last_event_id:not_allowed"]),
            ("", [("Last-Event-ID", "a")], ["Last-Event-ID:not_allowed"]),
        ] as [(String, [(String, String)], [String])]
    )
    func badID(_ query: String, _ headers: [(String, String)], _ violations: [String]) async throws {
        try await withAPI(service(.running, [])) { port in
            let response = try await request(port, "GET", Self.path + query, headers: headers)
            #expect(response.status == 422)
            #expect(response.violations.sorted() == violations)
        }
    }

    @Test("HEAD shows what GET would be, and takes no place")
    func head() async throws {
        try await withAPI(service(.running, []), APISettings(maxStreams: 0)) { port in
            let response = try await request(port, "HEAD", Self.path)
            #expect(response.status == 200)
            #expect(response["Content-Type"] == "text/event-stream")
        }
    }

    @Test("A stream on which nothing happens gives signs of life")
    func heartbeat() async throws {
        let settings = APISettings(
            idleTimeout: .seconds(1),
            heartbeat: .milliseconds(1200),
            streamInterval: .milliseconds(100)
        )
        try await withAPI(service(.queued, [event(1, .queued)]), settings) { port in
            let client = try HTTPClientFixture(port: port)
            try await client.send("GET", Self.path)
            _ = try await events(1, from: client)
            // Longer than what an idle connection may be quiet for.
            for _ in 0..<2 { #expect(try await client.read(through: ":\n\n").hasSuffix(":\n\n")) }
        }
    }

    @Test("A change that gives no sign is found")
    func silent() async throws {
        let service = service(.queued, [event(1, .queued)])
        try await withAPI(service, APISettings(streamInterval: .milliseconds(100))) { port in
            let client = try HTTPClientFixture(port: port)
            try await client.send("GET", Self.path)
            _ = try await events(1, from: client)
            let cancelled = event(2, .cancelled)
            service.change {
                $0.tasks = [.fixture(1, .cancelled)]
                $0.events.append(cancelled)
            }
            #expect(try await events(2, from: client)[1].hasPrefix("event: end\n"))
        }
    }

    @Test("There are so many places and no more, and who leaves gives up his", arguments: [true, false])
    func places(_ leaves: Bool) async throws {
        let service = service(.queued, [event(1, .queued)])
        try await withAPI(service, APISettings(maxStreams: 1)) { port in
            let client = try HTTPClientFixture(port: port)
            try await client.send("GET", Self.path)
            _ = try await events(1, from: client)
            let refused = try await request(port, "GET", Self.path)
            #expect(refused.status == 503)
            #expect(refused.code == "streams_busy")
            #expect(refused["Retry-After"] == "5")
            #expect(try await request(port, "GET", "/api/v1/tasks/\(Self.id)?wait=1").code == "streams_busy")
            if leaves { client.disconnect() } else { client.endSending() }
            // Nothing is ever written to it: that it is gone is seen by itself.
            let deadline = ContinuousClock.now + .seconds(10)
            while true {
                let next = try HTTPClientFixture(port: port)
                try await next.send("GET", Self.path)
                if try await next.read(through: "\r\n").contains("200") { break }
                try #require(ContinuousClock.now < deadline, "the place was not given back")
                try await Task.sleep(for: .milliseconds(5))
            }
        }
    }

    @Test("A client that does not read is cut off, and what it missed is not kept for it")
    func stalled() async throws {
        let service = service(.running, [event(1, .running)])
        let settings = APISettings(
            idleTimeout: .milliseconds(500),
            maxStreams: 1,
            streamInterval: .milliseconds(50)
        )
        try await withAPI(service, settings) { port in
            let client = try HTTPClientFixture(port: port, patience: 60, receiveBuffer: 2048)
            try await client.send("GET", Self.path)
            _ = try await client.read(through: "event: status")
            // Each is more than the system keeps for a while; together they are more than it keeps at all.
            let flood = Task {
                let large = String(repeating: "x", count: 100_000)
                var sequence: Int64 = 1
                while !Task.isCancelled {
                    sequence += 1
                    let next = event(sequence, .running)
                    service.change(Self.id) {
                        $0.tasks[0].generation.attempts += 1
                        $0.tasks[0].generation.model = large
                        $0.events.append(next)
                    }
                    try await Task.sleep(for: .milliseconds(1))
                }
            }
            defer { flood.cancel() }
            // Its place is free again when it is cut off.
            let deadline = ContinuousClock.now + .seconds(30)
            while try await request(port, "GET", "/api/v1/tasks/\(Self.id)?wait=1").status == 503 {
                try #require(ContinuousClock.now < deadline, "the client was not cut off")
            }
            let rest = try await client.readToEnd()
            #expect(!rest.suffix(5).elementsEqual("0\r\n\r\n".utf8))
        }
    }
}
