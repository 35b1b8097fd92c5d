import Foundation
import Scheduling
import Tasks
import TestSupport
import Testing

@testable import API

struct EstimateTests {
    private static func estimate(_ port: Int, _ body: String) async throws -> HTTPResponseFixture {
        try await request(
            port,
            "POST",
            "/api/v1/estimate",
            headers: [("Content-Type", "application/json")],
            body: body
        )
    }

    @Test("A request is judged as it would be for a video, and nothing is submitted")
    func estimated() async throws {
        let service = ScriptedVideoService {
            $0.estimate = Estimate(
                model: "fixture", deviceSeconds: 41.46, waitSeconds: 88.64, etaSeconds: 130.1, memoryMode: .modelOffload
            )
        }
        try await withAPI(service) { port in
            let response = try await Self.estimate(
                port, #"{"prompt":"a cat","width":768,"height":448,"cache":"refresh"}"#)
            #expect(response.status == 200)
            try expectWire(response.body, "estimate")
            #expect(try await request(port, "GET", "/api/v1/estimate").status == 405)
        }
        let asked = try #require(service.estimated.first)
        #expect(asked.video.width == 768 && asked.cache == .refresh && asked.caller == .anybody)
        #expect(service.submitted.isEmpty)
    }

    @Test("A refusal is part of the answer, with the code and the time of the problem")
    func refused() async throws {
        let service = ScriptedVideoService {
            $0.estimate.refusal = .refused(code: "queue_full", message: "10 videos wait.", retryAfter: .seconds(42))
        }
        try await withAPI(service) { port in
            let response = try await Self.estimate(port, #"{"prompt":"a"}"#)
            #expect(response.status == 200)
            try expectWire(response.body, "estimate-refused")
            service.change { $0.estimate.refusal = .store(.tenantLimit(.waitingTasks(2))) }
            let limited = try await Self.estimate(port, #"{"prompt":"a"}"#)
            #expect((limited.json["refusal"] as? [String: Any])?["code"] as? String == "waiting_limit")
        }
    }

    @Test("Everything that is wrong is listed, and nothing is asked of the scheduler")
    func violations() async throws {
        let service = ScriptedVideoService()
        try await withAPI(service) { port in
            let body = #"{"prompt":"","width":770,"num_frame":3}"#
            let response = try await Self.estimate(port, body)
            #expect(response.status == 422)
            let refused = try await generate(port, body)
            #expect(response.violations == refused.violations)
            #expect(response.violations.count == 3)
        }
        #expect(service.estimated.isEmpty)
    }

    @Test("A picture that comes along is neither kept nor looked at, and has the id that it would have")
    func pictures() async throws {
        let service = ScriptedVideoService {
            var model = ModelDescription.fixture
            model.inputs = [.startImage]
            $0.catalog = ModelCatalog(models: [model])
        }
        try await withAPI(service) { port in
            let data = Data("hello".utf8).base64EncodedString()
            let body = #"{"prompt":"a","start_image":"data:image/png;base64,\#(data)"}"#
            let accepted = try await Self.estimate(port, body)
            #expect(accepted.status == 200)
            let unknown = #"{"prompt":"a","start_image":"\#(String(repeating: "0", count: 64))"}"#
            let refused = try await Self.estimate(port, unknown)
            #expect(refused.violations == ["start_image:unusable_media"])
        }
        let input = try #require(service.estimated.first?.video.inputs[.startImage])
        #expect(input.hex == "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824")
        #expect(service.uploads.now.kept.isEmpty)
    }
}
