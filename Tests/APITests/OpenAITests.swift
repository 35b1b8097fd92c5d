import Foundation
import NIOCore
import Results
import Scheduling
import Tasks
import TestSupport
import Testing

@testable import API

struct OpenAITests {
    private static let id = OpenAIVideoID.text(.fixture())

    private func create(
        _ port: Int,
        _ body: String,
        headers: [(String, String)] = []
    ) async throws -> HTTPResponseFixture {
        try await request(
            port, "POST", "/v1/videos", headers: [("Content-Type", "application/json")] + headers, body: body)
    }

    private func createForm(_ port: Int, _ parts: [(String, String)]) async throws -> HTTPResponseFixture {
        let body = parts.map { "--xyz\r\nContent-Disposition: form-data; \($0.0)\r\n\r\n\($0.1)\r\n" }.joined()
        return try await request(
            port,
            "POST",
            "/v1/videos",
            headers: [("Content-Type", "multipart/form-data; boundary=xyz")],
            body: body + "--xyz--\r\n"
        )
    }

    @Test("A request becomes a task of the model's own numbers")
    func created() async throws {
        let service = ScriptedVideoService { $0.outlook = TaskOutlook(queuePosition: 1, etaSeconds: 3.21) }
        try await withAPI(service) { port in
            let response = try await create(
                port, #"{"prompt":"一只猫","seconds":"4","size":"768x448","negative_prompt":"模糊","seed":7}"#)
            #expect(response.status == 200)
            #expect(response["openai-poll-after-ms"] == "3210")
            try expectWire(response.body, "openai-video-queued")
        }
        let submitted = try #require(service.submitted.first)
        #expect(submitted.video.numFrames == 33)
        #expect(submitted.video.width == 768 && submitted.video.height == 448)
        #expect(submitted.video.negativePrompt == "模糊")
        #expect(submitted.video.seed == 7)
        #expect(submitted.model == "fixture")
    }

    @Test("What is left out is as the model has it")
    func defaults() async throws {
        let service = ScriptedVideoService()
        try await withAPI(service) { port in
            let response = try await createForm(port, [("name=prompt", "a cat")])
            #expect(response.status == 200)
        }
        let submitted = try #require(service.submitted.first)
        #expect(submitted.video.numFrames == 49)
        #expect(submitted.video.width == 672 && submitted.video.height == 384)
    }

    static let wrong: [(String, String, String, String)] = [
        (#"{"seconds":"4"}"#, "prompt", "required", "prompt is required."),
        (#"{"prompt":"a","seconds":"12"}"#, "seconds", "out_of_range", "at most 6.125"),
        (#"{"prompt":"a","size":"770x448"}"#, "size", "not_a_multiple", "multiple of 16"),
        (#"{"prompt":"a","model":"sora-2"}"#, "model", "not_allowed", "there are fixture"),
        (#"{"prompt":"a","n":2}"#, "n", "unknown_field", "There is no field n."),
        (#"{"prompt":"","size":"1x1"}"#, "prompt", "empty", "width must be from 64"),
    ]

    @Test("What is wrong is told in one message, under the first field's name", arguments: wrong)
    func refused(_ body: String, _ param: String, _ code: String, _ message: String) async throws {
        try await withAPI { port in
            let response = try await create(port, body)
            #expect(response.status == 400)
            #expect(response["Content-Type"] == "application/json")
            let error = try #require(response.json["error"] as? [String: Any])
            #expect(Set(error.keys) == ["code", "message", "param", "type"])
            #expect(error["param"] as? String == param)
            #expect(error["code"] as? String == code)
            #expect(error["type"] as? String == "invalid_request_error")
            #expect((error["message"] as? String)?.contains(message) == true)
        }
    }

    @Test("An alias stands for a model of this server, and is listed with it")
    func alias() async throws {
        let service = ScriptedVideoService()
        let aliases = ["sora-2=fixture", "other=missing"].compactMap { OpenAIModelAlias($0) }
        try await withAPI(service, APISettings(openAIModelAliases: aliases)) { port in
            #expect(try await create(port, #"{"prompt":"a","model":"sora-2"}"#).status == 200)
            #expect(try await create(port, #"{"prompt":"a","model":"other"}"#).status == 400)
            try expectWire(try await request(port, "GET", "/v1/models").body, "openai-models")
        }
        #expect(service.submitted.map(\.model) == ["fixture"])
    }

    @Test("A file in the form is a picture to start from, or a video to make anew", arguments: ["P", "V"])
    func file(_ kind: String) async throws {
        let uploads = ScriptedUploads()
        let service = ScriptedVideoService(uploads: uploads) { $0.catalog = .versatile }
        try await withAPI(service) { port in
            let response = try await createForm(
                port, [("name=input_reference; filename=a.png", "\(kind)-file"), ("name=prompt", "a cat")])
            #expect(response.status == 200, "\(response.text)")
        }
        let submitted = try #require(service.submitted.first)
        #expect(uploads.now.files == [Array("\(kind)-file".utf8)])
        #expect(Set(submitted.video.inputs.keys) == (kind == "P" ? [.startImage] : [.video]))
    }

    @Test("The file of a request that is wrong is not kept")
    func abandoned() async throws {
        let uploads = ScriptedUploads()
        let service = ScriptedVideoService(uploads: uploads) { $0.catalog = .versatile }
        try await withAPI(service) { port in
            let response = try await createForm(
                port,
                [
                    ("name=input_reference; filename=a.png", "P-file"), ("name=prompt", "a"), ("name=promt", "a"),
                    ("name=seed", "many"),
                ]
            )
            #expect(response.status == 400)
            #expect(response.text.contains("Did you mean prompt?"))
            #expect(response.text.contains("seed must be a whole number"))
        }
        #expect(uploads.now.files.isEmpty)
        #expect(uploads.now.abandoned == 1)
        #expect(service.submitted.isEmpty)
    }

    @Test("A picture may be named in an object, in JSON as in a form")
    func references() async throws {
        let uploads = ScriptedUploads { $0.kept = [.fixture(5, .image), .fixture(6, .video)] }
        let service = ScriptedVideoService(uploads: uploads) { $0.catalog = .versatile }
        try await withAPI(service) { port in
            let picture = MediaID.fixture(5)
            let video = MediaID.fixture(6)
            #expect(
                try await create(port, #"{"prompt":"a","input_reference":{"file_id":"\#(picture)"}}"#).status == 200)
            #expect(
                try await createForm(
                    port, [("name=prompt", "a"), ("name=\"input_reference[file_id]\"", "\(video)")]
                ).status == 200)
            let missing = try await create(
                port, #"{"prompt":"a","input_reference":{"file_id":"\#(MediaID.fixture(9))"}}"#)
            #expect(missing.status == 400)
            let error = try #require(missing.json["error"] as? [String: Any])
            #expect(error["param"] as? String == "input_reference")
            #expect(error["code"] as? String == "unusable_media")
            #expect((error["message"] as? String)?.hasPrefix("input_reference: There is no upload") == true)
        }
        #expect(service.submitted.map(\.video.inputs) == [[.startImage: .fixture(5)], [.video: .fixture(6)]])
    }

    @Test(
        "A task is shown as a video",
        arguments: [
            (.running, "openai-video-running"), (.succeeded, "openai-video-completed"),
            (.failed, "openai-video-failed"), (.cancelled, "openai-video-cancelled"),
        ] as [(TaskStatus, String)]
    )
    func shown(_ status: TaskStatus, _ name: String) async throws {
        let service = ScriptedVideoService {
            var task = GenerationTask.fixture(1, status)
            task.remixedFrom = status == .succeeded ? .fixture(9) : nil
            $0.tasks = [task]
        }
        try await withAPI(service) { port in
            let response = try await request(port, "GET", "/v1/videos/\(Self.id)")
            #expect(response.status == 200)
            #expect((response["openai-poll-after-ms"] != nil) == !status.isTerminal)
            try expectWire(response.body, name)
        }
    }

    @Test("Pages go both ways")
    func list() async throws {
        let service = ScriptedVideoService {
            $0.tasks = [.fixture(3, .succeeded), .fixture(2, .running), .fixture(1, .queued)]
        }
        try await withAPI(service) { port in
            let newest = try await request(port, "GET", "/v1/videos?limit=2")
            #expect(newest.json["has_more"] as? Bool == true)
            #expect(newest.json["last_id"] as? String == OpenAIVideoID.text(.fixture(2)))
            let rest = try await request(port, "GET", "/v1/videos?limit=2&after=\(OpenAIVideoID.text(.fixture(2)))")
            #expect(rest.json["has_more"] as? Bool == false)
            #expect(rest.json["first_id"] as? String == Self.id)
            let oldest = try await request(port, "GET", "/v1/videos?order=asc&limit=1")
            #expect(oldest.json["first_id"] as? String == Self.id)
            let wrong = try await request(port, "GET", "/v1/videos?order=up&limit=0&after=x&page=1")
            #expect(wrong.status == 400)
            for name in ["order", "limit", "after", "page"] { #expect(wrong.text.contains(name)) }
        }
    }

    @Test("The content is the video, its first frame or a sheet of frames, and parts of them")
    func content() async throws {
        let name = try #require(VideoName(GenerationResult.fixture.video))
        let service = ScriptedVideoService {
            $0.tasks = [.fixture(1, .succeeded)]
            $0.videos = [name: .memory(ByteBuffer(string: "the video"))]
            $0.variants = [
                .posterWebP: .memory(ByteBuffer(string: "a still")), .sprites: .memory(ByteBuffer(string: "a sheet")),
            ]
        }
        try await withAPI(service) { port in
            let path = "/v1/videos/\(Self.id)/content"
            let video = try await request(port, "GET", path)
            #expect(video.text == "the video")
            #expect(video["Content-Type"] == "video/mp4")
            #expect(video["Cache-Control"] == "private, no-cache")
            #expect(try await request(port, "GET", path + "?variant=thumbnail").text == "a still")
            let sheet = try await request(port, "GET", path + "?variant=spritesheet")
            #expect(sheet.text == "a sheet")
            #expect(sheet["Content-Type"] == "image/jpeg")
            let part = try await request(port, "GET", path + "?variant=video", headers: [("Range", "bytes=4-")])
            #expect(part.status == 206)
            #expect(part.text == "video")
            let tag = try #require(video["ETag"])
            #expect(try await request(port, "GET", path, headers: [("If-None-Match", tag)]).status == 304)
            #expect(try await request(port, "HEAD", path)["Content-Length"] == "9")
            #expect(try await request(port, "GET", path + "?variant=gif").status == 400)
            service.change { $0.failure = .videoExpired }
            #expect(try await request(port, "GET", path).status == 410)
        }
    }

    @Test(
        "There is no content before the end, nor of what failed",
        arguments: [
            (.queued, "video_not_ready"), (.running, "video_not_ready"), (.failed, "video_failed"),
            (.cancelled, "video_cancelled"),
        ] as [(TaskStatus, String)]
    )
    func noContent(_ status: TaskStatus, _ code: String) async throws {
        let service = ScriptedVideoService { $0.tasks = [.fixture(1, status)] }
        try await withAPI(service) { port in
            let response = try await request(port, "GET", "/v1/videos/\(Self.id)/content")
            #expect(response.status == 409)
            // The client would come again at once.
            #expect(response["x-should-retry"] == "false")
            let error = try #require(response.json["error"] as? [String: Any])
            #expect(error["code"] as? String == code)
            let remix = try await request(
                port, "POST", "/v1/videos/\(Self.id)/remix", headers: [("Content-Type", "application/json")],
                body: #"{"prompt":"b"}"#)
            #expect(remix.status == 409)
        }
    }

    @Test("A remix is the same video with another prompt")
    func remix() async throws {
        let uploads = ScriptedUploads { $0.kept = [.fixture(5, .image)] }
        let service = ScriptedVideoService(uploads: uploads) {
            $0.catalog = .versatile
            var task = GenerationTask.fixture(1, .succeeded)
            task.generation.model = "versatile"
            task.generation.priority = TaskPriority.batch.rank
            var draft = VideoRequest.Draft(task.generation, prompt: "一只猫")
            draft.inputs = [.startImage: Upload.fixture(5, .image).media]
            if let request = try? VideoRequest(draft, for: .versatile) { task.generation.request = request }
            $0.tasks = [task]
        }
        try await withAPI(service) { port in
            let response = try await request(
                port, "POST", "/v1/videos/\(Self.id)/remix", headers: [("Content-Type", "application/json")],
                body: #"{"prompt":"一只狗"}"#)
            #expect(response.status == 200, "\(response.text)")
            let wrong = try await request(
                port, "POST", "/v1/videos/\(Self.id)/remix", headers: [("Content-Type", "application/json")],
                body: #"{"seed":1}"#)
            #expect(wrong.status == 400)
            #expect(wrong.text.contains("There is no field seed") && wrong.text.contains("prompt is required"))
        }
        let submitted = try #require(service.submitted.first)
        #expect(submitted.video.prompt == "一只狗")
        #expect(submitted.video.negativePrompt == "低质量,模糊")
        #expect(submitted.video.seed == 4_294_967_295)
        #expect(submitted.video.inputs == [.startImage: .fixture(5)])
        #expect(submitted.priority == .batch)
        #expect(submitted.remixedFrom == .fixture())
    }

    @Test("Deleting takes a video away; deleting it again finds nothing")
    func delete() async throws {
        let service = ScriptedVideoService { $0.tasks = [.fixture(1, .running)] }
        try await withAPI(service) { port in
            let response = try await request(port, "DELETE", "/v1/videos/\(Self.id)")
            #expect(response.status == 200)
            try expectWire(response.body, "openai-deleted")
            let again = try await request(port, "DELETE", "/v1/videos/\(Self.id)")
            #expect(again.status == 404)
            try expectWire(again.body, "openai-error")
        }
    }

    @Test("The second try of a request is answered with the task of the first")
    func retry() async throws {
        let clock = SystemClock()
        let service = ScriptedVideoService()
        try await withAPI(service) { port in
            #expect(try await create(port, #"{"prompt":"a"}"#).status == 200)
            service.change { script in
                script.tasks[0].createdAt = clock.wallTime()
                script.tasks[0].generation.model = "fixture"
                script.tasks[0].generation.request = script.submitted[0].video
            }
            let retry = [("x-stainless-retry-count", "1")]
            let second = try await create(port, #"{"prompt":"a"}"#, headers: retry)
            #expect(second["Idempotency-Replayed"] == "true")
            #expect(second.json["id"] as? String == Self.id)
            #expect(service.submitted.count == 1)
            // Another request, a first try, and one with a key are each a request of their own.
            _ = try await create(port, #"{"prompt":"b"}"#, headers: retry)
            _ = try await create(port, #"{"prompt":"a"}"#, headers: [("x-stainless-retry-count", "0")])
            _ = try await create(port, #"{"prompt":"a"}"#, headers: retry + [("Idempotency-Key", "k")])
            #expect(service.submitted.count == 4)
            service.change { $0.tasks[0].createdAt = clock.wallTime().advanced(by: .seconds(-61)) }
            _ = try await create(port, #"{"prompt":"a"}"#, headers: retry)
            #expect(service.submitted.count == 5)
        }
    }

    @Test("Every error under /v1 looks as the OpenAI API has it, whatever it is about")
    func errors() async throws {
        let service = ScriptedVideoService {
            $0.failure = .refused(code: "queue_full", message: "Full.", retryAfter: .seconds(61))
        }
        try await withAPI(service) { port in
            let full = try await create(port, #"{"prompt":"a"}"#)
            #expect(full.status == 429)
            #expect(full["Retry-After"] == "61")
            #expect(full["x-should-retry"] == "false")
            #expect((full.json["error"] as? [String: Any])?["type"] as? String == "rate_limit_error")
            for (method, path, status) in [
                ("GET", "/v1/nothing", 404), ("PUT", "/v1/videos", 405), ("GET", "/v1/videos/x", 404),
                ("GET", "/v1/videos/x/content?variant=a", 400), ("POST", "/v1/videos", 415),
            ] {
                let response = try await request(port, method, path)
                #expect(response.status == status, "\(method) \(path)")
                #expect(response.json["error"] is [String: Any], "\(method) \(path)")
            }
            #expect(try await create(port, "{").status == 400)
            let large = try await create(port, #"{"prompt":"\#(String(repeating: "a", count: 1_100_000))"}"#)
            #expect(large.status == 413)
            service.change { $0.catalog = nil }
            let down = try await create(port, #"{"prompt":"a"}"#)
            #expect(down.status == 503)
            #expect((down.json["error"] as? [String: Any])?["type"] as? String == "server_error")
        }
    }

    static let badForms: [(String, Int)] = [
        ("--xyz\r\nContent-Disposition: form-data; name=prompt\r\n\r\na", 400),
        ("--xyz\r\nContent-Disposition: form-data; name=input_reference; filename=a\r\n\r\n\r\n--xyz--\r\n", 400),
        (String(repeating: "--xyz\r\nContent-Disposition: form-data; name=a\r\n\r\n\r\n", count: 129) + "--xyz--", 400),
        ("--xyz--\r\n", 400),
    ]

    @Test("A form that is none is refused, and nothing is kept", arguments: badForms)
    func badForm(_ body: String, _ status: Int) async throws {
        let uploads = ScriptedUploads()
        try await withAPI(ScriptedVideoService(uploads: uploads)) { port in
            let response = try await request(
                port, "POST", "/v1/videos", headers: [("Content-Type", "multipart/form-data; boundary=xyz")], body: body
            )
            #expect(response.status == status)
            #expect(response.json["error"] is [String: Any])
        }
        #expect(uploads.now.files.isEmpty)
        #expect(uploads.now.begun == uploads.now.abandoned)
    }
}
