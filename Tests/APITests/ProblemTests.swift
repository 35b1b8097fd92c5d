import Foundation
import HTTPTypes
import Results
import Scheduling
import Tasks
import TestSupport
import Testing

@testable import API

struct ProblemTests {
    @Test(
        "A full queue says when there is likely to be room, in whole seconds",
        arguments: [
            (Duration.seconds(125), "125"), (.milliseconds(125_001), "126"), (.zero, "1"), (.milliseconds(1), "1"),
            (.seconds(-5), "1"), (.seconds(Int64.max), "\(Int64.max)"),
        ]
    )
    func refused(_ retryAfter: Duration, _ header: String) async throws {
        let service = ScriptedVideoService {
            $0.failure = .refused(code: "wait_too_long", message: "It would wait.", retryAfter: retryAfter)
        }
        try await withAPI(service) { port in
            let response = try await generate(port, #"{"prompt":"a"}"#, headers: [("X-Request-ID", "refused")])
            #expect(response.status == 429)
            #expect(response["Retry-After"] == header)
            try expectWire(response.body, "problem-wait-too-long")
        }
    }

    static let errors: [(AdmissionError, Int, String, isRetryable: Bool)] = [
        (.modelUnknown(Obstacle(code: "engine_not_startable", message: "m")), 503, "engine_not_startable", true),
        (.refused(code: "queue_full", message: "m", retryAfter: .seconds(7)), 429, "queue_full", true),
        (.deviceUnknown, 404, "device_not_found", false),
        (.store(.queueFull(limit: 100)), 429, "queue_full", true),
        (.store(.idempotencyConflict(.fixture())), 409, "idempotency_conflict", false),
        (.store(.leaseLost), 500, "internal_error", false),
        (.store(.notFound), 404, "task_not_found", false),
        (.store(.overloaded), 503, "store_overloaded", true),
        (.store(.unavailable("disk I/O error at /secret/path")), 503, "store_unavailable", true),
        (.store(.uploadQuotaExceeded(quota: 5)), 429, "upload_quota_exceeded", false),
        (.uploadTooLarge(limit: 5), 413, "upload_too_large", false),
        (.mediaRefused(code: "media_unreadable", message: "m"), 422, "media_unreadable", false),
        (.mediaUnavailable(code: "inspection_failed"), 503, "inspection_failed", true),
        (.mediaUnavailable(code: "dependencies_missing"), 500, "dependencies_missing", false),
        (.mediaFetch(MediaFetchError(code: "media_fetch_failed", message: "m")), 422, "media_fetch_failed", false),
        (.results(.full), 503, "disk_full", true),
        (.results(.unavailable("EIO at /secret/path")), 503, "results_unavailable", true),
    ]

    @Test("Every error of the service has its status and code, and tells nothing from inside", arguments: errors)
    func status(_ error: AdmissionError, _ status: Int, _ code: String, _ isRetryable: Bool) async throws {
        let problem = Problem(error)
        #expect(problem.status.code == status)
        #expect(problem.code == code)
        let service = ScriptedVideoService { $0.failure = error }
        try await withAPI(service, APISettings(retryAfter: .milliseconds(6500))) { port in
            let response = try await generate(port, #"{"prompt":"a"}"#)
            #expect(response.status == status)
            #expect(response.code == code)
            #expect(response["Content-Type"] == "application/problem+json")
            #expect(response["Retry-After"] == (isRetryable ? "7" : nil))
            #expect(response.json["request_id"] as? String == response["X-Request-ID"])
            #expect(response.json["status"] as? Int == status)
            #expect(!response.text.contains("secret"))
        }
    }

    @Test("A damaged video is gone")
    func damaged() async throws {
        let name = try #require(VideoName(String(repeating: "a", count: 64)))
        let service = ScriptedVideoService { $0.failure = .results(.damaged(name)) }
        try await withAPI(service) { port in
            let response = try await request(port, "GET", "/api/v1/videos/\(name).mp4")
            #expect(response.status == 410)
            #expect(response.code == "video_damaged")
        }
    }

    @Test("While the model is unknown a request is told why")
    func modelUnknown() async throws {
        try await withAPI(ScriptedVideoService { $0.catalog = nil }) { port in
            let response = try await generate(port, #"{"prompt":"a"}"#)
            #expect(response.status == 503)
            #expect(response.code == "engine_not_startable")
            #expect(response["Retry-After"] == "5")
            // What is wrong whatever the model says is told first.
            #expect(try await generate(port, "{").status == 400)
        }
    }
}
