import Foundation
import TestSupport
import Testing

@testable import Engine

@Suite("Derivation")
struct PythonVideoDeriverTests {
    private static func deriver(_ script: String? = nil, timeLimit: Duration = .seconds(60)) throws
        -> PythonVideoDeriver
    {
        var settings = try EngineFixture.settings(.timed(stepSeconds: 0))
        if let script {
            settings.python = "/bin/sh"
            settings.moduleArguments = ["-c", script, "sh"]
        }
        return PythonVideoDeriver(settings: settings, timeLimit: timeLimit, concurrency: 2, queueLimit: 3)
    }

    @Test("Each variant is made from a real video, and nothing else is left")
    func variants() async throws {
        try await VideoEngineWorld.process(EngineFixture.settings(.timed(stepSeconds: 0))) { world in
            let command = try world.command()
            let video = try await world.generate(command).outcome.get()
            let deriver = try Self.deriver()
            let heads =
                [
                    "poster.jpg": [0xFF, 0xD8], "sprites.jpg": [0xFF, 0xD8], "poster.webp": Array("RIFF".utf8),
                    "preview.webp": Array("RIFF".utf8), "preview.gif": Array("GIF89a".utf8),
                ] as [String: [UInt8]]
            for (variant, head) in heads {
                let output = "\(world.directory)/\(variant)"
                try await deriver.derive(variant, from: video.file, to: output)
                #expect(try Data(contentsOf: URL(filePath: output)).starts(with: head), "\(variant)")
            }
            let left = try FileManager.default.contentsOfDirectory(atPath: world.directory)
            #expect(left.count == heads.count + 1)
        }
    }

    @Test("What is no video, and what is no variant, is refused in the engine's words")
    func refusals() async throws {
        try await withTemporaryDirectory { directory in
            try Data("garbage".utf8).write(to: URL(filePath: directory + "/v.mp4"))
            let deriver = try Self.deriver()
            for (variant, code) in [("poster.jpg", "video_unreadable"), ("poster.png", "variant_unknown")] {
                let fault = await #expect(throws: EngineFault.self) {
                    try await deriver.derive(variant, from: directory + "/v.mp4", to: directory + "/out")
                }
                #expect(fault?.code == code)
            }
            #expect(try FileManager.default.contentsOfDirectory(atPath: directory) == ["v.mp4"])
        }
    }

    @Test("A process that dies, hangs, says too much or cannot start is a fault, and leaves neither file nor process")
    func faults() async throws {
        try await withTemporaryDirectory { directory in
            let output = directory + "/out"
            for (script, code) in [
                ("touch $5 $5.part; exit 3", "derivation_failed"), ("kill -9 $$", "derivation_failed"),
                ("touch $5.part; echo $$ > \(directory)/pid; sleep 1000 & wait", "derivation_timeout"),
                ("yes >&2", "derivation_failed"),
            ] {
                // Only what hangs is to meet the limit, however slow the machine is.
                let limit = code == "derivation_timeout" ? 2 : 60
                let deriver = try Self.deriver(script, timeLimit: .seconds(limit))
                let fault = await #expect(throws: EngineFault.self) {
                    try await deriver.derive("poster.jpg", from: "/v.mp4", to: output)
                }
                #expect(fault?.code == code, "\(script)")
            }
            #expect(try FileManager.default.contentsOfDirectory(atPath: directory) == ["pid"])
            let leader = try #require(
                Int32(String(contentsOfFile: directory + "/pid", encoding: .utf8).trimmingCharacters(in: .newlines))
            )
            try await EngineFixture.wait(for: "the group's end") { killpg(leader, 0) != 0 }
            var settings = try EngineFixture.settings(.timed(stepSeconds: 0))
            settings.python = "/nowhere/python"
            let fault = await #expect(throws: EngineFault.self) {
                try await PythonVideoDeriver(settings: settings).derive("poster.jpg", from: "/v", to: output)
            }
            #expect(fault?.code == "engine_not_startable")
        }
    }

    @Test("Two run at a time, three wait, and who comes then is told to come back")
    func bounds() async throws {
        try await withTemporaryDirectory { directory in
            // Each leaves a mark while it runs, and runs until it is let go.
            let script = "touch \(directory)/run.$$; while [ ! -e \(directory)/go ]; do sleep 0.02; done"
            let deriver = try Self.deriver(script)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for index in 0..<5 {
                    group.addTask { try await deriver.derive("poster.jpg", from: "/v", to: "\(directory)/\(index)") }
                }
                func running() -> Int {
                    ((try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? [])
                        .count { $0.hasPrefix("run.") }
                }
                try await EngineFixture.wait(for: "two that run") { running() == 2 }
                try await EngineFixture.wait(for: "three that wait") { deriver.waiting == 3 }
                let fault = await #expect(throws: EngineFault.self) {
                    try await deriver.derive("poster.jpg", from: "/v", to: directory + "/x")
                }
                #expect(fault?.code == "derivation_busy")
                #expect(running() == 2)
                try Data().write(to: URL(filePath: directory + "/go"))
                try await group.waitForAll()
                #expect(running() == 5 && deriver.waiting == 0)
            }
        }
    }

    @Test("Who goes away frees the process, and his place in the line")
    func cancellation() async throws {
        let deriver = try Self.deriver("sleep 1000")
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<5 {
                group.addTask {
                    let fault = await #expect(throws: EngineFault.self) {
                        try await deriver.derive("poster.jpg", from: "/v", to: "/nowhere/out")
                    }
                    #expect(fault?.code == "derivation_failed")
                }
            }
            group.cancelAll()
        }
        #expect(deriver.waiting == 0)
    }
}
