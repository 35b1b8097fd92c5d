import Foundation
import Scheduling
import Tasks
import TestSupport
import Testing

@testable import API

struct GenerateTests {
    @Test("A new request is accepted, and the task says where to look")
    func accepted() async throws {
        let service = ScriptedVideoService()
        try await withAPI(service, APISettings(publicURL: "https://video.example.org")) { port in
            let response = try await generate(
                port,
                #"{"prompt":"一只猫在草地上玩耍 \"cat\" \\ 🐈","negative_prompt":"低质量,模糊","width":768,"height":448}"#
            )
            #expect(response.status == 202)
            #expect(response["Content-Type"] == "application/json")
            #expect(response["X-Content-Type-Options"] == "nosniff")
            #expect(response["Cache-Control"] == "no-store")
            #expect(response["Location"] == "https://video.example.org/api/v1/tasks/\(TaskID.fixture())")
            #expect(response["Idempotency-Replayed"] == nil)
            try expectWire(response.body, "task-pending")
        }
        let submitted = try #require(service.submitted.first)
        #expect(submitted.caller == .anybody)
        #expect(submitted.idempotencyKey == nil)
        #expect(submitted.video.width == 768)
        #expect(submitted.video.negativePrompt == "低质量,模糊")
    }

    @Test(
        "The status says whether there is something to wait for",
        arguments: [
            (.queued, .queued, 202), (.joined, .running, 202), (.cached, .succeeded, 200), (.replayed, .queued, 202),
            (.replayed, .running, 202), (.replayed, .succeeded, 200), (.replayed, .failed, 200),
        ] as [(Submission.Disposition, TaskStatus, Int)]
    )
    func disposition(_ disposition: Submission.Disposition, _ status: TaskStatus, _ expected: Int) async throws {
        let service = ScriptedVideoService {
            $0.disposition = disposition
            $0.tasks = [.fixture(1, status)]
        }
        try await withAPI(service) { port in
            let response = try await generate(port, #"{"prompt":"a"}"#, headers: [("Idempotency-Key", "a-key_1~")])
            #expect(response.status == expected)
            #expect(response["Idempotency-Replayed"] == (disposition == .replayed ? "true" : nil))
            #expect(response["Location"] == "http://localhost/api/v1/tasks/\(TaskID.fixture())")
            #expect(service.submitted.first?.idempotencyKey == "a-key_1~")
        }
    }

    @Test("A video that is there is answered at once")
    func cached() async throws {
        let service = ScriptedVideoService {
            var task = GenerationTask.fixture(1, .succeeded)
            task.isCached = true
            $0.tasks = [task]
            $0.disposition = .cached
        }
        try await withAPI(service) { port in
            let response = try await generate(port, #"{"prompt":"a"}"#)
            #expect(response.status == 200)
            #expect(response.json["cached"] as? Bool == true)
            #expect(response.json["status"] as? String == "SUCCESS")
            #expect((response.json["video_url"] as? String)?.hasPrefix("http://localhost/api/v1/videos/aaaa") == true)
        }
    }

    static let badKeys: [(String, String)] = [
        ("", "empty"), (String(repeating: "k", count: 256), "too_long"), ("a b", "not_text"), ("schlüssel", "not_text"),
    ]

    @Test("An idempotency key is 1 to 255 visible ASCII characters", arguments: badKeys)
    func idempotencyKey(_ key: String, _ code: String) async throws {
        try await withAPI { port in
            let response = try await generate(port, #"{"prompt":"a"}"#, headers: [("Idempotency-Key", key)])
            #expect(response.status == 422)
            #expect(response.violations == ["Idempotency-Key:\(code)"])
            let twice = [("Idempotency-Key", "a"), ("Idempotency-Key", "b")]
            #expect(try await generate(port, #"{"prompt":"a"}"#, headers: twice).status == 422)
            let longest = [("Idempotency-Key", String(repeating: "k", count: 255))]
            #expect(try await generate(port, #"{"prompt":"a"}"#, headers: longest).status == 202)
        }
    }

    static let invalid: [(String, [String])] = [
        ("{}", ["prompt:required"]),
        (#"{"prompt":null}"#, ["prompt:required"]),
        (#"{"prompt":""}"#, ["prompt:empty"]),
        (#"{"prompt":" \n\t "}"#, ["prompt:empty"]),
        (#"{"prompt":7}"#, ["prompt:wrong_type"]),
        (#"{"prompt":["a"]}"#, ["prompt:wrong_type"]),
        (#"{"prompt":{"a":1}}"#, ["prompt:wrong_type"]),
        (#"{"prompt":true}"#, ["prompt:wrong_type"]),
        (#"{"prompt":"a\u0000b"}"#, ["prompt:not_text"]),
        (#"{"prompt":"\#(String(repeating: "猫", count: 2001))"}"#, ["prompt:too_long"]),
        (#"{"prompt":"a","negative_prompt":7}"#, ["negative_prompt:wrong_type"]),
        (#"{"prompt":"a","width":"768"}"#, ["width:wrong_type"]),
        (#"{"prompt":"a","width":true}"#, ["width:wrong_type"]),
        (#"{"prompt":"a","width":768.5}"#, ["width:wrong_type"]),
        (#"{"prompt":"a","width":770}"#, ["width:not_a_multiple"]),
        (#"{"prompt":"a","width":0}"#, ["width:out_of_range"]),
        (#"{"prompt":"a","width":-16}"#, ["width:out_of_range"]),
        (#"{"prompt":"a","width":1e400}"#, ["width:out_of_range"]),
        (#"{"prompt":"a","width":9223372036854775807}"#, ["width:out_of_range"]),
        (#"{"prompt":"a","width":9223372036854775808}"#, ["width:out_of_range"]),
        (#"{"prompt":"a","width":1344,"height":1344}"#, ["width:too_many_pixels"]),
        (#"{"prompt":"a","height":450}"#, ["height:not_a_multiple"]),
        (#"{"prompt":"a","num_frames":48}"#, ["num_frames:wrong_frame_count"]),
        (#"{"prompt":"a","num_frames":53}"#, ["num_frames:out_of_range"]),
        (#"{"prompt":"a","num_frames":0}"#, ["num_frames:out_of_range"]),
        (#"{"prompt":"a","num_inference_steps":0}"#, ["num_inference_steps:out_of_range"]),
        (#"{"prompt":"a","num_inference_steps":"many"}"#, ["num_inference_steps:wrong_type"]),
        (#"{"prompt":"a","guidance_scale":0.5}"#, ["guidance_scale:out_of_range"]),
        (#"{"prompt":"a","guidance_scale":1e999}"#, ["guidance_scale:out_of_range"]),
        (#"{"prompt":"a","guidance_scale":"7"}"#, ["guidance_scale:wrong_type"]),
        (#"{"prompt":"a","fps":0}"#, ["fps:out_of_range"]),
        (#"{"prompt":"a","seed":-1}"#, ["seed:out_of_range"]),
        (#"{"prompt":"a","seed":4294967296}"#, ["seed:out_of_range"]),
        (#"{"prompt":"a","seed":1.5}"#, ["seed:wrong_type"]),
        (#"{"prompt":"a","prompt":"b"}"#, ["prompt:not_allowed"]),
        (#"{"prompt":"a","callback_url":"http://example.org"}"#, ["callback_url:not_allowed"]),
        (#"{"prompt":"a","callback_events":["task.failed"]}"#, ["callback_events:not_allowed"]),
        (#"{"prompt":"a","cache":"never"}"#, ["cache:not_allowed"]),
        (#"{"prompt":"a","tenant":1}"#, ["tenant:unknown_field"]),
        (#"{"prompt":"a","num_frame":49}"#, ["num_frame:unknown_field"]),
        (#"{"prompt":"a","宽":1}"#, ["宽:unknown_field"]),
    ]

    @Test("What is wrong with a request is named", arguments: invalid)
    func violations(_ body: String, _ expected: [String]) async throws {
        let service = ScriptedVideoService()
        try await withAPI(service) { port in
            let response = try await generate(port, body)
            #expect(response.status == 422)
            #expect(response.code == "invalid_request")
            #expect(response["Content-Type"] == "application/problem+json")
            #expect(response.violations == expected)
        }
        #expect(service.submitted.isEmpty)
    }

    @Test("Everything that is wrong is listed at once")
    func everything() async throws {
        try await withAPI { port in
            let response = try await generate(
                port,
                #"""
                {"prompt":"","negative_prompt":1,"width":770,"height":"tall","num_frames":50,"num_inference_steps":0,
                "guidance_scale":false,"fps":1000,"seed":-5,"num_frame":49,"callback_url":"x"}
                """#,
                headers: [("X-Request-ID", "everything")]
            )
            #expect(response.status == 422)
            try expectWire(response.body, "problem-violations")
        }
    }

    static let malformed = [
        "", " ", "{", "[]", "null", "\"text\"", "{\"prompt\":\"a\"", "{\"prompt\":\"a\"}}", "{'prompt':'a'}",
        "{\"prompt\":NaN}",
        "{\"prompt\":\"\\ud800\"}", "\u{FEFF}{\"prompt\":\"a\"}", "prompt=a", "{\"prompt\":\"a\",}",
    ]

    @Test("Malformed JSON is 400, with the place", arguments: malformed)
    func isMalformed(_ body: String) async throws {
        try await withAPI { port in
            let response = try await generate(port, body)
            #expect(response.status == 400)
            #expect(response.code == "malformed_json")
            #expect((response.json["detail"] as? String)?.contains("at byte") == true)
        }
    }

    @Test("A body that is not UTF-8 is 400")
    func notUTF8() async throws {
        try await withAPI { port in
            let client = try HTTPClientFixture(port: port)
            try await client.send(
                "POST /api/v1/generate HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 14\r\n\r\n"
            )
            try await client.send(Array("{\"prompt\":\"".utf8) + [0xFF] + Array("\"}".utf8))
            #expect(try await client.response().code == "malformed_json")
        }
    }

    static let mediaTypes: [(String?, Int)] = [
        ("application/json", 202), ("application/json; charset=utf-8", 202),
        ("Application/JSON;Charset=\"UTF-8\"", 202),
        ("application/vnd.animato+json", 202), ("application/json;", 202), (nil, 415), ("", 415), ("text/plain", 415),
        ("application/x-www-form-urlencoded", 415), ("application/json; charset=gbk", 415), ("application/jsonp", 415),
        ("application/json; v=1", 415), ("multipart/form-data; boundary=x", 415), ("text/json", 415),
    ]

    @Test("The content type must be JSON", arguments: mediaTypes)
    func mediaType(_ type: String?, _ expected: Int) async throws {
        try await withAPI { port in
            let headers = type.map { [("Content-Type", $0)] } ?? []
            let response = try await request(
                port,
                "POST",
                "/api/v1/generate",
                headers: headers,
                body: #"{"prompt":"a"}"#
            )
            #expect(response.status == expected)
            #expect(response.code == (expected == 415 ? "unsupported_media_type" : nil))
        }
    }

    @Test("A compressed body is refused rather than misread")
    func compressed() async throws {
        try await withAPI { port in
            let response = try await generate(port, #"{"prompt":"a"}"#, headers: [("Content-Encoding", "gzip")])
            #expect(response.status == 415)
        }
    }
}
