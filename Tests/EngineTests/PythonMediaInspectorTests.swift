import Foundation
import TestSupport
import Testing

@testable import Engine

@Suite("Media inspection")
struct PythonMediaInspectorTests {
    private static func inspector(_ script: String? = nil, timeLimit: Duration = .seconds(60)) throws
        -> PythonMediaInspector
    {
        var settings = try EngineFixture.settings(.timed(stepSeconds: 0))
        if let script {
            settings.python = "/bin/sh"
            settings.moduleArguments = ["-c", script, "sh"]
        }
        return PythonMediaInspector(settings: settings, timeLimit: timeLimit, concurrency: 1, queueLimit: 1)
    }

    /// What stands on standard output.
    private static func saying(_ text: String) -> String {
        "cat << 'END'\n\(text)\nEND"
    }

    private static func video(width: Int = 64) -> String {
        """
        {"kind": "video", "format": "mp4", "width": \(width), "height": 48, "num_frames": 5, "fps": 8.0, "seconds": 0.625}
        """
    }

    @Test("A video of an engine is a video, and what is none is unreadable")
    func inspects() async throws {
        try await VideoEngineWorld.process(EngineFixture.settings(.timed(stepSeconds: 0))) { world in
            let command = try world.command()
            let video = try await world.generate(command).outcome.get()
            let inspector = try Self.inspector()
            let media = try await inspector.inspect(video.file)
            #expect(media.kind == .video && media.width == video.width && media.height == video.height)
            #expect(media.numFrames == video.numFrames && media.fps == Double(video.fps))
            let garbage = world.directory + "/garbage"
            try Data("garbage".utf8).write(to: URL(filePath: garbage))
            let fault = await #expect(throws: EngineFault.self) { try await inspector.inspect(garbage) }
            #expect(fault?.code == "media_unreadable")
        }
    }

    @Test("What the process says is read, and the file is the last of its arguments")
    func reads() async throws {
        let media = try await Self.inspector(Self.saying(Self.video())).inspect("/file")
        let expected = InspectedMedia(
            kind: .video, format: "mp4", width: 64, height: 48, numFrames: 5, fps: 8, seconds: 0.625
        )
        #expect(media == expected)
        let script = #"[ "$1 $2 $3" = "inspect --input /file" ] || exit 3; "# + Self.saying(Self.video())
        #expect(try await Self.inspector(script).inspect("/file") == expected)
    }

    @Test(
        "What cannot be true, is no description, is too much, or does not come is a fault for now",
        arguments: [
            (saying("garbage"), "inspection_failed"), ("true", "inspection_failed"),
            (saying(video(width: 0)), "inspection_failed"),
            (saying(#"{"kind": "image"}"#), "inspection_failed"),
            ("exit 3", "inspection_failed"), ("kill -9 $$", "inspection_failed"), ("yes", "inspection_failed"),
            ("sleep 1000", "inspection_timeout"),
        ]
    )
    func faults(script: String, code: String) async throws {
        // Only what hangs is to meet the limit, however slow the machine is.
        let limit = code == "inspection_timeout" ? 1 : 60
        let inspector = try Self.inspector(script, timeLimit: .seconds(limit))
        let fault = await #expect(throws: EngineFault.self) { try await inspector.inspect("/file") }
        #expect(fault?.code == code)
        #expect(fault?.message.contains("/file") == false)
    }

    @Test("A refusal is passed on in the engine's words", arguments: ["media_unreadable", "media_too_large"])
    func refusals(code: String) async throws {
        let script = #"echo noise >&2; echo '{"code": "\#(code)", "message": "No."}' >&2; exit 78"#
        let fault = await #expect(throws: EngineFault.self) { try await Self.inspector(script).inspect("/file") }
        #expect(fault == EngineFault(code: code, message: "No."))
    }

    @Test("One runs, one waits, and who comes then is told to come back")
    func bounds() async throws {
        try await withTemporaryDirectory { directory in
            let script =
                "touch \(directory)/run.$$; while [ ! -e \(directory)/go ]; do sleep 0.02; done; "
                + Self.saying(Self.video())
            let inspector = try Self.inspector(script)
            try await withThrowingTaskGroup(of: InspectedMedia.self) { group in
                for _ in 0..<2 {
                    group.addTask { try await inspector.inspect("/file") }
                }
                try await EngineFixture.wait(for: "one that runs and one that waits") {
                    let files = try? FileManager.default.contentsOfDirectory(atPath: directory)
                    return files?.count == 1 && inspector.waiting == 1
                }
                let fault = await #expect(throws: EngineFault.self) { try await inspector.inspect("/file") }
                #expect(fault?.code == "inspection_busy")
                try Data().write(to: URL(filePath: directory + "/go"))
                try await group.waitForAll()
            }
            #expect(inspector.waiting == 0)
        }
    }
}
