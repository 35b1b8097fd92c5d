import Engine
import Foundation
import Scheduling
import Tasks
import TasksSQLite
import TestSupport
import Testing

@Suite("Scheduling: uploads")
struct UploadTests {
    private static func upload(_ text: String, to world: SchedulerWorld) async throws -> Upload {
        let sink = try await world.scheduler.newUpload(by: .anybody)
        for byte in text.utf8 { try await sink.write([byte]) }
        return try await sink.finish(idempotencyKey: nil)
    }

    /// Names of everything below a directory.
    private static func files(_ world: SchedulerWorld) -> [String] {
        (FileManager.default.subpaths(atPath: "\(world.directory)/media") ?? []).filter {
            $0.split(separator: "/").count == 2
        }
    }

    @Test("What was uploaded is found under the hash of its content, and a generation gets its path")
    func use() async throws {
        let engine = ScriptedEngine()
        try await SchedulerWorld.with([engine]) { world in
            let upload = try await Self.upload("image 640x480", to: world)
            #expect(upload.media.kind == .image && upload.media.width == 640 && upload.media.bytes == 13)
            #expect(try await world.scheduler.upload(upload.media.id, of: .standard) == upload)
            #expect(try await Self.upload("image 640x480", to: world).media == upload.media)
            #expect(Self.files(world).count == 1)
            let id = try await world.submit("a cat") { $0.inputs = [.startImage: upload.media] }.task.id
            _ = try await world.task(id, reaches: .succeeded)
            let path = try #require(engine.commands.first?.inputs[.startImage])
            #expect(try String(contentsOfFile: path, encoding: .utf8) == "image 640x480")
        }
    }

    @Test("The same prompt with another picture is another video; with the same picture it is the same")
    func key() async throws {
        try await SchedulerWorld.with([ScriptedEngine()]) { world in
            let one = try await Self.upload("image 640x480", to: world).media
            let two = try await Self.upload("image 480x640", to: world).media
            let first = try await world.submit("a cat") { $0.inputs = [.startImage: one] }
            _ = try await world.task(first.task.id, reaches: .succeeded)
            #expect(try await world.submit("a cat") { $0.inputs = [.startImage: one] }.disposition == .cached)
            #expect(try await world.submit("a cat") { $0.inputs = [.startImage: two] }.disposition == .queued)
            #expect(try await world.submit("a cat") { $0.inputs = [.endImage: one] }.disposition == .queued)
            #expect(try await world.submit("a cat").disposition == .queued)
        }
    }

    @Test("What is no picture and no video is refused and leaves nothing")
    func refused() async throws {
        try await SchedulerWorld.with([ScriptedEngine()]) { world in
            await #expect(
                throws: AdmissionError.mediaRefused(
                    code: "media_unreadable",
                    message: "The file is no picture and no video."
                )
            ) { try await Self.upload("garbage", to: world) }
            await #expect(throws: AdmissionError.mediaUnavailable(code: "inspection_busy")) {
                try await Self.upload("busy", to: world)
            }
            #expect(Self.files(world).isEmpty)
        }
    }

    @Test("Too much is refused as soon as it is too much, and a full quota leaves nothing")
    func limits() async throws {
        let settings = UploadSettings(maxBytes: 13, quota: 20)
        try await SchedulerWorld.with([ScriptedEngine()], uploads: settings) { world in
            let sink = try await world.scheduler.newUpload(by: .anybody)
            try await sink.write(Array("image 640x480".utf8))
            await #expect(throws: AdmissionError.uploadTooLarge(limit: 13)) { try await sink.write([0]) }
            await sink.abandon()
            #expect(Self.files(world).isEmpty)
            _ = try await Self.upload("image 640x480", to: world)
            await #expect(throws: AdmissionError.store(.uploadQuotaExceeded(quota: 20))) {
                try await Self.upload("image 480x640", to: world)
            }
            #expect(Self.files(world).count == 1)
        }
    }

    @Test("What is at an address becomes an upload; what is not there is said")
    func fetch() async throws {
        try await SchedulerWorld.with([ScriptedEngine()]) { world in
            let url = CallbackURL(
                stored: "https://host.example/video%2064x64%2025@8", receiver: "https://host.example:443")
            let upload = try await world.scheduler.fetchUpload(from: url, by: .anybody)
            #expect(upload.media.kind == .video && upload.media.numFrames == 25)
            let nothing = CallbackURL(stored: "https://host.example/", receiver: "https://host.example:443")
            await #expect(throws: AdmissionError.self) {
                try await world.scheduler.fetchUpload(from: nothing, by: .anybody)
            }
            #expect(Self.files(world).count == 1)
        }
    }

    @Test("The checkpoint of a generation that waits goes when it is old enough, and not before")
    func checkpoints() async throws {
        try await RetentionWorld.with { retention in
            let world = retention.world
            try await world.scheduler.setDraining(true, device: nil)
            let id = try await world.submit("waits").task.generation.id
            let claimed = try #require(
                try await world.store.claim(ClaimRequest(owner: .unique(), duration: .seconds(30)))
            )
            // Out of the dispatcher's reach.
            try await world.store.requeue(
                claimed.lease,
                Requeue(delay: .seconds(10_000), countsAsFailure: false, failure: nil)
            )
            let file = "\(world.directory)/checkpoints/\(id).safetensors"
            try Data("state".utf8).write(to: URL(filePath: file))
            let written = Date(timeIntervalSince1970: Double(retention.clock.wallTime().milliseconds) / 1000)
            try FileManager.default.setAttributes([.modificationDate: written], ofItemAtPath: file)
            let settings = RetentionSettings(checkpoints: .seconds(100), scrubBytes: 0)
            try await retention.tidying(settings) { pass async throws in
                retention.clock.advance(by: .seconds(99))
                await pass()
                #expect(FileManager.default.fileExists(atPath: file))
                retention.clock.advance(by: .seconds(2))
                await pass()
                #expect(!FileManager.default.fileExists(atPath: file))
            }
        }
    }

    @Test("Files go when no upload and no generation needs them, and not before")
    func sweep() async throws {
        try await RetentionWorld.with { retention in
            let world = retention.world
            let upload = try await Self.upload("image 640x480", to: world)
            try await retention.tidying(RetentionSettings(scrubBytes: 0)) { pass async throws in
                #expect(Self.files(world).count == 1)
                retention.clock.advance(by: .seconds(86_399))
                await pass()
                #expect(Self.files(world).count == 1)
                retention.clock.advance(by: .seconds(2))
                await pass()
                #expect(Self.files(world).isEmpty)
                #expect(try await world.scheduler.upload(upload.media.id, of: .standard) == nil)
            }
        }
    }
}
