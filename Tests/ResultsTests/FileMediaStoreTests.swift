import Crypto
import Foundation
import Results
import Synchronization
import TestSupport
import Testing

@Suite("Uploaded files")
struct FileMediaStoreTests {
    private func withStore(
        now: @escaping @Sendable () -> Int64 = WallClock.milliseconds,
        _ body: (FileMediaStore, String) async throws -> Void
    ) async throws {
        try await withTemporaryDirectory { directory in
            let store = try FileMediaStore(directory: directory, now: now)
            try await body(store, directory)
            try await store.close()
        }
    }

    private func keep(_ text: String, in store: FileMediaStore) async throws -> String {
        let file = try await store.newFile()
        for part in text.split(separator: "|") { try await file.append(Array(part.utf8)) }
        let hex = try await file.finish().hex
        try await store.adopt(file)
        return hex
    }

    private func hash(_ text: String) -> String {
        SHA256.hash(data: Data(text.utf8)).map { String(format: "%02x", $0) }.joined()
    }

    /// Everything that lies below the store.
    private func files(_ directory: String) -> [String] {
        (FileManager.default.subpaths(atPath: "\(directory)/media") ?? []).filter { $0.contains("/") }
    }

    @Test("What was written in parts is found whole, under the hash of its content")
    func keeping() async throws {
        try await withStore { store, _ in
            let hex = try await keep("one|two|three", in: store)
            #expect(hex == hash("onetwothree"))
            #expect(try await store.contains(hex))
            #expect(try String(contentsOfFile: store.path(of: hex), encoding: .utf8) == "onetwothree")
        }
    }

    @Test("Before it is adopted nothing is found; what is discarded or left behind goes")
    func unfinished() async throws {
        try await withStore { store, directory in
            let file = try await store.newFile()
            try await file.append(Array("half".utf8))
            #expect(file.bytes == 4)
            await #expect(throws: ResultStoreError.self) { try await store.adopt(file) }
            let (hex, bytes) = try await file.finish()
            #expect(bytes == 4)
            #expect(try await !store.contains(hex))
            await #expect(throws: ResultStoreError.self) { try await file.append([1]) }
            await #expect(throws: ResultStoreError.self) { try await file.finish() }
            await file.discard()
            await file.discard()
            #expect(files(directory).isEmpty)
            await #expect(throws: ResultStoreError.self) { try await store.adopt(file) }
            let left = try await store.newFile()
            try await left.append(Array("left".utf8))
            #expect(files(directory).count == 1)
            let next = try FileMediaStore(directory: directory)
            #expect(files(directory).isEmpty)
            try await next.close()
        }
    }

    @Test("Many writers of one content all succeed, and there is one file")
    func together() async throws {
        try await withStore { store, directory in
            let names = try await withThrowingTaskGroup(of: String.self) { group in
                for _ in 0..<20 { group.addTask { try await keep("same|content", in: store) } }
                return try await group.reduce(into: Set<String>()) { $0.insert($1) }
            }
            #expect(names == [hash("samecontent")])
            #expect(files(directory).count == 1)
        }
    }

    @Test("A file is removed unless it was brought again later than that")
    func removal() async throws {
        let clock = SettableClock()
        try await withStore(now: { clock.time.load(ordering: .relaxed) }) { store, _ in
            clock.time.store(1_000_000, ordering: .relaxed)
            let hex = try await keep("a", in: store)
            #expect(try await !store.remove(hex, unusedSince: 999_999))
            clock.time.store(2_000_000, ordering: .relaxed)
            _ = try await keep("a", in: store)
            #expect(try await !store.remove(hex, unusedSince: 1_500_000))
            #expect(try await store.contains(hex))
            #expect(try await store.remove(hex, unusedSince: 2_000_000))
            #expect(try await !store.contains(hex))
            #expect(try await store.remove(hex, unusedSince: 0))
        }
    }

    @Test("Names come in order, some at a time, and then there are none")
    func names() async throws {
        try await withStore { store, _ in
            var all: [String] = []
            for number in 0..<40 { all.append(try await keep("file \(number)", in: store)) }
            var found: [String] = []
            var last: String?
            repeat {
                let some = try await store.names(after: last, limit: 7)
                found += some
                last = some.count < 7 ? nil : some.last
            } while last != nil
            #expect(found == all.sorted())
        }
    }

    @Test(
        "What is no hash never becomes a path",
        arguments: [
            "", "..", "../../etc/passwd", "A" + String(repeating: "a", count: 63), String(repeating: "a", count: 63),
            String(repeating: "/", count: 64), String(repeating: "a", count: 62) + "..",
        ]
    )
    func strangers(_ name: String) async throws {
        try await withStore { store, directory async throws in
            #expect(try await !store.contains(name))
            #expect(store.path(of: name) == "\(directory)/media/none")
            #expect(try await store.remove(name, unusedSince: .max))
        }
    }

    @Test("A full disk is said, and leaves what was there", .enabled(if: SmallDisk.isAvailable))
    func fullDisk() async throws {
        try await SmallDisk.with(bytes: 1 << 20) { directory in
            let store = try FileMediaStore(directory: directory)
            let kept = try await keep("kept", in: store)
            _ = try SmallDisk.fill(directory)
            let file = try await store.newFile()
            await #expect(throws: ResultStoreError.full) {
                try await file.append([UInt8](repeating: 1, count: 100_000))
            }
            await file.discard()
            #expect(try String(contentsOfFile: store.path(of: kept), encoding: .utf8) == "kept")
            try await store.close()
        }
    }
}

/// Milliseconds that a test sets.
private final class SettableClock: Sendable {
    let time = Atomic<Int64>(0)
}

@Suite("Work files")
struct WorkFilesTests {
    @Test("What others wrote is read as it is now, and removed with what is being written beside it")
    func lifecycle() async throws {
        try await withTemporaryDirectory { directory in
            let files = try WorkFiles(directory: "\(directory)/work", suffix: ".webp")
            #expect(try await files.read("7", limit: 10) == nil)
            try Data("first".utf8).write(to: URL(filePath: files.path(for: "7")))
            try Data("half".utf8).write(to: URL(filePath: files.path(for: "7") + ".part"))
            try Data().write(to: URL(filePath: "\(directory)/work/other.txt"))
            #expect(try await files.read("7", limit: 10)?.bytes == Array("first".utf8))
            #expect(try await files.read("7", limit: 4) == nil)
            #expect(try await files.names(limit: 10) == ["7"])
            try await files.remove("7")
            try await files.remove("7")
            #expect(try FileManager.default.contentsOfDirectory(atPath: "\(directory)/work") == ["other.txt"])
        }
    }

    @Test("At the start, what a process that died was writing is removed, and what was complete is kept")
    func leftovers() async throws {
        try await withTemporaryDirectory { directory in
            let files = try WorkFiles(directory: "\(directory)/work", suffix: ".webp")
            try Data("whole".utf8).write(to: URL(filePath: files.path(for: "1")))
            try Data("half".utf8).write(to: URL(filePath: files.path(for: "2") + ".part"))
            let again = try WorkFiles(directory: "\(directory)/work", suffix: ".webp")
            #expect(try await again.names(limit: 10) == ["1"])
            #expect(try FileManager.default.contentsOfDirectory(atPath: "\(directory)/work").count == 1)
        }
    }
}
