import Foundation
import Scheduling
import Tasks
import TestSupport
import Testing

@testable import API

/// Clients that wait for the end of a task instead of asking again and again.
struct WaitTests {
    private static let id = TaskID.fixture()
    private static let path = "/api/v1/tasks/\(id)"
    private static let body = #"{"prompt":"a"}"#

    /// Ends the task of a service once somebody watches it, again and again until it is over: the first sign may come too early.
    private func endSoon(_ service: ScriptedVideoService) -> Task<Void, any Error> {
        Task {
            while !Task.isCancelled {
                try await Task.sleep(for: .milliseconds(50))
                service.change(Self.id) { $0.tasks = [.fixture(1, .succeeded)] }
            }
        }
    }

    @Test("Who waits for a task is answered when it has ended")
    func ends() async throws {
        let service = ScriptedVideoService { $0.tasks = [.fixture(1, .running)] }
        try await withAPI(service) { port in
            let ending = endSoon(service)
            defer { ending.cancel() }
            let response = try await request(port, "GET", Self.path + "?wait=60")
            #expect(response.json["status"] as? String == "SUCCESS")
            let again = try await request(port, "GET", Self.path + "?wait=60")
            #expect(again.json["status"] as? String == "SUCCESS")
        }
    }

    @Test("A task that does not end in time is shown as it is")
    func timeIsUp() async throws {
        let service = ScriptedVideoService { $0.tasks = [.fixture(1, .running)] }
        try await withAPI(service) { port in
            let start = ContinuousClock.now
            let response = try await request(port, "GET", Self.path + "?wait=1")
            #expect(response.status == 200)
            #expect(response.json["status"] as? String == "RUNNING")
            #expect(ContinuousClock.now - start >= .seconds(1))
            #expect(try await request(port, "GET", Self.path + "?wait=0").status == 200)
        }
    }

    @Test(
        "A time that is none is refused",
        arguments: [
            ("wait=61", "wait:not_allowed"), ("wait=-1", "wait:not_allowed"), ("wait=1.5", "wait:not_allowed"),
            ("wait=", "wait:not_allowed"), ("wiat=1", "wiat:unknown_field"), ("wait=1&wait=2", "wait:not_allowed"),
        ]
    )
    func bad(_ query: String, _ violation: String) async throws {
        let service = ScriptedVideoService { $0.tasks = [.fixture(1, .running)] }
        try await withAPI(service) { port in
            let shown = try await request(port, "GET", "\(Self.path)?\(query)")
            #expect(shown.status == 422)
            #expect(shown.violations == [violation])
            let posted = try await request(
                port,
                "POST",
                "/api/v1/generate?\(query)",
                headers: [("Content-Type", "application/json"), ("Prefer", "wait=1")],
                body: Self.body
            )
            #expect(posted.status == 422)
            #expect(posted.violations == [violation])
            #expect(service.submitted.isEmpty)
        }
    }

    private func post(
        _ port: Int, _ query: String = "", prefer: String? = nil
    ) async throws -> HTTPResponseFixture {
        try await request(
            port,
            "POST",
            "/api/v1/generate" + query,
            headers: [("Content-Type", "application/json")] + (prefer.map { [("Prefer", $0)] } ?? []),
            body: Self.body
        )
    }

    @Test("Who asks for a video and waits gets it in the answer")
    func generate() async throws {
        let service = ScriptedVideoService { $0.tasks = [.fixture(1, .queued)] }
        try await withAPI(service) { port in
            let late = try await post(port, "?wait=1")
            #expect(late.status == 202)
            #expect(late.json["status"] as? String == "PENDING")
            let ending = endSoon(service)
            defer { ending.cancel() }
            let done = try await post(port, "?wait=60", prefer: "wait=1")
            #expect(done.status == 200)
            #expect(done.json["status"] as? String == "SUCCESS")
            #expect(done["Location"] == "http://localhost\(Self.path)")
            #expect(done["Preference-Applied"] == nil)
        }
    }

    @Test("A preference is heeded, and said to be")
    func preference() async throws {
        let service = ScriptedVideoService { $0.tasks = [.fixture(1, .queued)] }
        try await withAPI(service) { port in
            let late = try await post(port, prefer: "respond-async, wait=1")
            #expect(late.status == 202)
            #expect(late["Preference-Applied"] == "wait=1")
            let ending = endSoon(service)
            defer { ending.cancel() }
            let done = try await post(port, prefer: "wait=9999")
            #expect(done.status == 200)
            #expect(done["Preference-Applied"] == "wait=60")
            let ignored = try await post(port, prefer: "wait=soon")
            #expect(ignored["Preference-Applied"] == nil)
        }
    }

    @Test("Where there is no place to wait, a preference is left unheeded, and nothing is accepted for a demand")
    func places() async throws {
        let service = ScriptedVideoService { $0.tasks = [.fixture(1, .queued)] }
        try await withAPI(service, APISettings(maxStreams: 0)) { port in
            let refused = try await post(port, "?wait=1")
            #expect(refused.status == 503)
            #expect(refused.code == "streams_busy")
            #expect(service.submitted.isEmpty)
            let accepted = try await post(port, prefer: "wait=60")
            #expect(accepted.status == 202)
            #expect(accepted["Preference-Applied"] == nil)
        }
    }

    @Test("A client that goes away while it waits stops waiting and cancels nothing")
    func leaves() async throws {
        let service = ScriptedVideoService { $0.tasks = [.fixture(1, .running)] }
        try await withAPI(service, APISettings(maxStreams: 1)) { port in
            let client = try HTTPClientFixture(port: port)
            try await client.send("GET", Self.path + "?wait=60")
            let deadline = ContinuousClock.now + .seconds(10)
            while !service.wasWatched(Self.id) {
                try #require(ContinuousClock.now < deadline, "nobody waits")
                try await Task.sleep(for: .milliseconds(5))
            }
            client.disconnect()
            while try await request(port, "GET", Self.path + "?wait=1").status != 200 {
                try #require(ContinuousClock.now < deadline, "somebody waits still")
            }
            #expect(try await request(port, "GET", Self.path).json["status"] as? String == "RUNNING")
        }
    }

    @Test(
        "Preferences are read as RFC 7240 has them",
        arguments: [
            ("wait=10", "10"), ("Wait = 10", "10"), ("respond-async, wait=5; x=1", "5"), ("wait=\"7\"", "7"),
            ("wait=1, wait=2", "1"), ("x=\"a, wait=3\", wait=4", "4"), ("x=\"a\\\", wait=3\", wait=4", "4"),
            ("wait", ""), ("", nil), (",,;=,", nil), ("await=1", nil),
        ] as [(String, String?)]
    )
    func preferences(_ header: String, _ value: String?) {
        #expect(Preferences(header)["wait"] == value)
    }
}
