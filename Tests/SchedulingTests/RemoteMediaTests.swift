import Engine
import Foundation
import Logging
import Scheduling
import ServiceLifecycle
import Tasks
import TestSupport
import Testing

/// What a process without an engine's installation has done by one that has it.
struct RemoteMediaTests {
    private static let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    /// Runs a body with what a process without an installation uses, beside some that have one.
    private func withRemote(
        _ inspectors: [ScriptedMediaInspector],
        deriver: ScriptedVideoDeriver = ScriptedVideoDeriver(),
        folders: (here: String, there: String),
        _ body: @escaping @Sendable (RemoteMedia) async throws -> Void
    ) async throws {
        let coordination = LocalCoordination()
        let asking = RemoteCalls(coordination: coordination, clock: SystemClock(), logger: Self.logger)
        let answering = inspectors.map { inspector in
            RemoteCalls(
                coordination: coordination,
                handlers: RemoteMedia.handlers(inspector, deriver, folder: SharedFolder(folders.there)),
                clock: SystemClock(),
                logger: Self.logger
            )
        }
        let group = ServiceGroup(services: [asking] + answering, logger: Self.logger)
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            try await body(RemoteMedia(calls: asking, folder: SharedFolder(folders.here)))
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
        }
    }

    @Test("A file is looked into by one of the processes that can, under its path there")
    func inspection() async throws {
        try await withTemporaryDirectory { directory in
            let here = "\(directory)/here"
            // The same folder under another path, as on another machine.
            try FileManager.default.createDirectory(atPath: here, withIntermediateDirectories: true)
            try FileManager.default.createSymbolicLink(atPath: "\(directory)/there", withDestinationPath: here)
            try Data([0x89, 0x50, 0x4E, 0x47]).write(to: URL(filePath: "\(here)/a.part"))
            let inspectors = [ScriptedMediaInspector(), ScriptedMediaInspector()]
            try await withRemote(inspectors, folders: (here, "\(directory)/there")) { remote in
                for _ in 0..<3 {
                    let found = try await remote.inspect("\(here)/a.part")
                    #expect(found.format == "png")
                }
            }
            let calls = inspectors.flatMap(\.calls)
            #expect(calls == Array(repeating: "\(directory)/there/a.part", count: 3))
        }
    }

    @Test("A fault over there has its own code here")
    func fault() async throws {
        try await withTemporaryDirectory { directory in
            try Data("text".utf8).write(to: URL(filePath: "\(directory)/a.part"))
            try await withRemote([ScriptedMediaInspector()], folders: (directory, directory)) { remote in
                let fault = await #expect(throws: EngineFault.self) { try await remote.inspect("\(directory)/a.part") }
                #expect(fault?.code == "media_unreadable")
            }
        }
    }

    @Test("A still is made by another process, in the shared folder")
    func derivation() async throws {
        try await withTemporaryDirectory { directory in
            try Data("video".utf8).write(to: URL(filePath: "\(directory)/a.mp4"))
            let deriver = ScriptedVideoDeriver()
            try await withRemote([ScriptedMediaInspector()], deriver: deriver, folders: (directory, directory)) {
                try await $0.derive("poster.jpg", from: "\(directory)/a.mp4", to: "\(directory)/a.jpg")
            }
            #expect(deriver.calls == ["poster.jpg"])
            #expect(try String(contentsOfFile: "\(directory)/a.jpg", encoding: .utf8) == "poster.jpg of 5 bytes")
        }
    }

    @Test(
        "Nothing outside of the shared folder is asked for",
        arguments: ["/etc/passwd", "/shared/../etc/passwd", "/shared"])
    func outside(_ path: String) async throws {
        let calls = RemoteCalls(coordination: LocalCoordination(), clock: SystemClock(), logger: Self.logger)
        let remote = RemoteMedia(calls: calls, folder: SharedFolder("/shared"))
        let fault = await #expect(throws: EngineFault.self) { try await remote.inspect(path) }
        #expect(fault?.code == "no_worker")
    }

    @Test(
        "A call that leads out of the folder, or is none, is answered with a fault",
        arguments: [#"{"input":"../etc/passwd"}"#, #"{"input":"/etc/passwd"}"#, "{}", "", "\u{0}"]
    )
    func hostile(_ body: String) async throws {
        let inspector = ScriptedMediaInspector()
        let handlers = RemoteMedia.handlers(inspector, ScriptedVideoDeriver(), folder: SharedFolder("/shared"))
        let handler = try #require(handlers["inspect"])
        let answer = await handler(Array(body.utf8))
        #expect(String(decoding: answer, as: UTF8.self).contains("derivation_failed"))
        #expect(inspector.calls.isEmpty)
    }

    @Test("Where nobody answers, the caller is told in time")
    func nobody() async throws {
        let calls = RemoteCalls(coordination: LocalCoordination(), clock: SystemClock(), logger: Self.logger)
        await #expect(throws: RemoteCalls.Failure.noAnswer) {
            try await calls.call("inspect", [], patience: .milliseconds(20))
        }
    }

    @Test("A store that is down is not waited for")
    func down() async throws {
        let coordination = LocalCoordination()
        coordination.isDown = true
        let calls = RemoteCalls(coordination: coordination, clock: SystemClock(), logger: Self.logger)
        await #expect(throws: RemoteCalls.Failure.store(.unavailable("down"))) {
            try await calls.call("inspect", [], patience: .seconds(60))
        }
    }

    @Test("What is no call and no answer is passed over")
    func garbage() async throws {
        try await withTemporaryDirectory { directory in
            try Data([0x89, 0x50, 0x4E, 0x47]).write(to: URL(filePath: "\(directory)/a.part"))
            let coordination = LocalCoordination()
            for topic in ["calls", "answers"] {
                for message in ["", "no JSON", "{}", "[]"] {
                    try await coordination.post(Array(message.utf8), to: topic, keeping: 100)
                }
            }
            let inspector = ScriptedMediaInspector()
            let asking = RemoteCalls(coordination: coordination, clock: SystemClock(), logger: Self.logger)
            let answering = RemoteCalls(
                coordination: coordination,
                handlers: RemoteMedia.handlers(inspector, ScriptedVideoDeriver(), folder: SharedFolder(directory)),
                clock: SystemClock(),
                logger: Self.logger
            )
            let group = ServiceGroup(services: [asking, answering], logger: Self.logger)
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                tasks.addTask { try await group.run() }
                let remote = RemoteMedia(calls: asking, folder: SharedFolder(directory))
                #expect(try await remote.inspect("\(directory)/a.part").kind == .image)
                await group.triggerGracefulShutdown()
                try await tasks.waitForAll()
            }
        }
    }
}
