import Foundation
import Logging
import Results
import TestSupport
import Testing

@Suite("A folder that several processes share")
struct SharedFolderTests {
    private let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    private static func age(_ path: String, by hours: Double) throws {
        let moment = Date(timeIntervalSinceNow: -hours * 3_600)
        try FileManager.default.setAttributes([.modificationDate: moment], ofItemAtPath: path)
    }

    private func open(_ directory: String) throws -> FileResultStore {
        try FileResultStore(directory: directory, isShared: true, logger: logger)
    }

    @Test("What another is writing is left alone by one that starts or tidies up; what is old is removed")
    func staging() async throws {
        try await withTemporaryDirectory { directory in
            let first = try open(directory)
            let path = first.stagingPath(for: "1-1")
            try Data("half".utf8).write(to: URL(filePath: path))
            let old = first.stagingPath(for: "old")
            try Data("left".utf8).write(to: URL(filePath: old))
            let second = try open(directory)
            #expect(FileManager.default.fileExists(atPath: old))
            try Self.age(old, by: 7)
            _ = try await second.usage(oldest: 10)
            #expect(FileManager.default.fileExists(atPath: path))
            #expect(!FileManager.default.fileExists(atPath: old))
            #expect(try await first.adopt(path, sidecar: Data("{}".utf8)).bytes == 4)
            try await first.close()
            try await second.close()
        }
    }

    @Test("Two that write under one name write two files")
    func names() async throws {
        try await withTemporaryDirectory { directory in
            let (first, second) = (try open(directory), try open(directory))
            #expect(first.stagingPath(for: "a") != second.stagingPath(for: "a"))
            #expect(first.stagingPath(for: "a") == first.stagingPath(for: "a"))
            try await first.close()
            try await second.close()
        }
    }

    @Test("A video that one takes over while another removes it by an older inventory is there or was never removed")
    func adoptingWhileRemoving() async throws {
        try await withTemporaryDirectory { directory in
            let (writer, sweeper) = (try open(directory), try open(directory))
            for _ in 0..<50 {
                let first = writer.stagingPath(for: "one")
                try Data("video".utf8).write(to: URL(filePath: first))
                let name = try await writer.adopt(first, sidecar: Data("{}".utf8)).name
                let seen = try #require(try await sweeper.usage(oldest: 10).oldest.first)
                let again = writer.stagingPath(for: "two")
                try Data("video".utf8).write(to: URL(filePath: again))
                async let removed = sweeper.remove(seen)
                async let adopted = writer.adopt(again, sidecar: Data("{}".utf8))
                _ = try await (removed, adopted)
                #expect(try await writer.contains(name, bytes: 5))
                #expect(try await writer.sidecar(of: name) != nil)
            }
            try await writer.close()
            try await sweeper.close()
        }
    }

    @Test("An upload that one is writing outlives the start of another, and can be adopted while a third removes")
    func uploads() async throws {
        try await withTemporaryDirectory { directory in
            let first = try FileMediaStore(directory: directory, isShared: true)
            let file = try await first.newFile()
            try await file.append(Array("picture".utf8))
            let second = try FileMediaStore(directory: directory, isShared: true)
            try await second.clearLeftovers()
            let hex = try await file.finish().hex
            try await first.adopt(file)
            #expect(try await second.contains(hex))
            #expect(try await !second.remove(hex, unusedSince: 0))
            #expect(try await first.contains(hex))
            try await first.close()
            try await second.close()
        }
    }

    @Test("A checkpoint that one is writing outlives the start of another; what is old is removed")
    func checkpoints() async throws {
        try await withTemporaryDirectory { directory in
            let path = "\(directory)/work"
            let files = try WorkFiles(directory: path, suffix: ".safetensors", isShared: true)
            let part = files.path(for: "1") + ".0a1b2c3d.part"
            try Data("half".utf8).write(to: URL(filePath: part))
            let other = try WorkFiles(directory: path, suffix: ".safetensors", isShared: true)
            #expect(FileManager.default.fileExists(atPath: part))
            try Self.age(part, by: 7)
            #expect(try await other.names(limit: 10).isEmpty)
            #expect(!FileManager.default.fileExists(atPath: part))
        }
    }

    @Test("What is removed takes along what is being written beside it, and nothing of others")
    func parts() async throws {
        try await withTemporaryDirectory { directory in
            let files = try WorkFiles(directory: "\(directory)/work", suffix: ".webp")
            for name in ["7.webp", "7.webp.0a1b2c3d.part", "77.webp", "77.webp.0a1b2c3d.part"] {
                try Data("x".utf8).write(to: URL(filePath: "\(directory)/work/\(name)"))
            }
            try await files.remove("7")
            #expect(
                try FileManager.default.contentsOfDirectory(atPath: "\(directory)/work").sorted()
                    == ["77.webp", "77.webp.0a1b2c3d.part"]
            )
        }
    }
}
