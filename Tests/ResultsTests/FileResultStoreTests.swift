import Foundation
import Logging
import NIOCore
import Results
import Synchronization
import TestSupport
import Testing

@Suite("File and memory result stores")
struct FileResultStoreTests {
    private let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    @Test("The file store keeps the contract", arguments: ResultStoreConformance.all)
    func fileConformance(behaviour: ResultStoreConformance) async throws {
        try await conform(behaviour) { $0 }
    }

    @Test("The memory level over the file store keeps the contract", arguments: ResultStoreConformance.all)
    func memoryConformance(behaviour: ResultStoreConformance) async throws {
        try await conform(behaviour) { MemoryResultStore(over: $0) }
    }

    @Test("The memory level that is turned off keeps the contract", arguments: ResultStoreConformance.all)
    func offConformance(behaviour: ResultStoreConformance) async throws {
        try await conform(behaviour) {
            MemoryResultStore(over: $0, settings: MemoryLevelSettings(maxEntries: 0))
        }
    }

    private func conform(
        _ behaviour: ResultStoreConformance,
        _ level: @escaping @Sendable (FileResultStore) -> any ResultStore
    ) async throws {
        try await withTemporaryDirectory { directory in
            let stores = OpenStores(directory, logger)
            let world = ResultStoreConformance.World(
                store: level(try stores.open()),
                reopen: { level(try stores.open()) },
                damage: { name, content in
                    try content.write(to: URL(fileURLWithPath: Self.path(of: name, in: directory)))
                },
                read: VideoContentReader.read,
                tick: { stores.tick() }
            )
            try await behaviour.check(world)
            try await stores.close()
        }
    }

    @Test("A damaged video is set aside for a person to look at, the last twenty of them")
    func setAside() async throws {
        try await withStore { store, directory, clock in
            var names: [VideoName] = []
            for number in 0..<22 {
                let stored = try await keep(Data("video \(number)".utf8), in: store)
                try Data("other".utf8).write(to: URL(fileURLWithPath: Self.path(of: stored.name, in: directory)))
                #expect(try await !store.verify(stored.name))
                names.append(stored.name)
                clock.add(1000, ordering: .relaxed)
            }
            let aside = try FileManager.default.contentsOfDirectory(atPath: "\(directory)/damaged")
            #expect(Set(aside) == Set(names.suffix(20).map { "\($0).mp4" }))
            let last = try Data(contentsOf: URL(fileURLWithPath: "\(directory)/damaged/\(names[21]).mp4"))
            #expect(last == Data("other".utf8))
        }
    }

    @Test("A file that became shorter after it was verified is found by the next reader")
    func shorter() async throws {
        try await withStore { store, directory, _ in
            let stored = try await keep(Data("video".utf8), in: store)
            try Data("vid".utf8).write(to: URL(fileURLWithPath: Self.path(of: stored.name, in: directory)))
            await #expect(throws: ResultStoreError.damaged(stored.name)) { try await store.video(stored.name) }
        }
    }

    @Test("A file that becomes shorter while it is read is an error")
    func shorterWhileRead() async throws {
        try await withStore { store, directory, _ in
            let stored = try await keep(Data(repeating: 1, count: 100_000), in: store)
            guard case .file(let file) = try await store.video(stored.name) else { throw NoFile() }
            #expect(truncate(Self.path(of: stored.name, in: directory), 70_000) == 0)
            #expect(try await file.chunk(of: 0..<100_000).readableBytes == VideoFile.chunkBytes)
            await #expect(throws: ResultStoreError.self) { try await file.chunk(of: 70_000..<100_000) }
        }
    }

    @Test("What was just written is in memory; what is past the end of the file, or was dropped from it, is not")
    func inMemory() async throws {
        try await withStore { store, directory, _ in
            let stored = try await keep(Data(repeating: 1, count: 1_000_001), in: store)
            guard case .file(let file) = try await store.video(stored.name) else { throw NoFile() }
            for range in [0..<1_000_001, 0..<1, 4095..<4097, 999_999..<1_000_001] as [Range<Int64>] {
                #expect(file.isInMemory(range))
            }
            #expect(!file.isInMemory(0..<1_000_002))
            #expect(!file.isInMemory(2_000_000..<2_000_001))
            #expect(truncate(Self.path(of: stored.name, in: directory), 900_000) == 0)
            #expect(!file.isInMemory(899_999..<900_001))
            #expect(file.isInMemory(0..<900_000))
        }
    }

    #if os(Linux)
    @Test("What the system has dropped from memory is not in memory until it is read", .enabled(if: canDropFiles))
    func notInMemory() async throws {
        try await withStore { store, directory, _ in
            let stored = try await keep(Data(repeating: 1, count: 1_000_000), in: store)
            guard case .file(let file) = try await store.video(stored.name) else { throw NoFile() }
            let descriptor = open(Self.path(of: stored.name, in: directory), O_RDONLY)
            defer { close(descriptor) }
            #expect(posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED) == 0)
            #expect(!file.isInMemory(0..<1_000_000))
            _ = try await file.chunk(of: 0..<1_000_000)
            #expect(file.isInMemory(0..<Int64(VideoFile.chunkBytes)))
        }
    }

    /// Whether temporary files are on a disk, and not in memory for good.
    private static var canDropFiles: Bool {
        let mounts = (try? String(contentsOfFile: "/proc/self/mounts", encoding: .utf8)) ?? ""
        return !mounts.contains("tmpfs /tmp ")
    }
    #endif

    @Test("A use is written down once a minute")
    func marks() async throws {
        try await withStore { store, directory, clock in
            let stored = try await keep(Data("video".utf8), in: store)
            let path = Self.path(of: stored.name, in: directory)
            var times: [Date] = []
            for seconds in [0, 59, 1, 59, 1] {
                clock.add(Int64(seconds) * 1000, ordering: .relaxed)
                _ = try await store.video(stored.name)
                let values = try FileManager.default.attributesOfItem(atPath: path)
                times.append(try #require(values[.modificationDate] as? Date))
            }
            #expect(times[0] == times[1])
            #expect(times[1] < times[2])
            #expect(times[2] == times[3])
            #expect(times[3] < times[4])
        }
    }

    @Test("An inventory sweeps away what belongs to no video")
    func sweeping() async throws {
        try await withStore { store, directory, _ in
            let stored = try await keep(Data("video".utf8), in: store)
            unlink(Self.path(of: stored.name, in: directory))
            let folder = "\(directory)/videos/\(stored.name.hex.prefix(2))"
            try Data().write(to: URL(fileURLWithPath: "\(folder)/a person's note.txt"))
            try Data().write(to: URL(fileURLWithPath: "\(folder)/\(stored.name).poster.jpg"))
            #expect(try await store.usage(oldest: 10).videos == 0)
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["a person's note.txt"])
        }
    }

    @Test("Inventories, removals, readers and writers at once never lose a byte")
    func storm() async throws {
        try await withStore { store, _, _ in
            let contents = (0..<4).map { Data(repeating: UInt8($0), count: 10_000 + $0) }
            var names: [VideoName] = []
            for content in contents { names.append(try await keep(content, in: store).name) }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for index in contents.indices {
                    group.addTask { [names] in
                        for _ in 0..<50 {
                            let stored = try await keep(contents[index], in: store)
                            #expect(stored.name == names[index])
                        }
                    }
                    group.addTask { [names] in
                        for _ in 0..<200 {
                            guard let content = try await store.video(names[index]) else { continue }
                            #expect(try await VideoContentReader.read(content) == contents[index])
                        }
                    }
                }
                group.addTask {
                    for _ in 0..<20 {
                        for kept in try await store.usage(oldest: 10).oldest { _ = try await store.remove(kept) }
                    }
                }
                try await group.waitForAll()
            }
            for content in contents { _ = try await keep(content, in: store) }
            let usage = try await store.usage(oldest: 10)
            #expect(usage.videos == 4)
            #expect(usage.bytes == 40_006 + 4 * 2)
        }
    }

    @Test("Many who miss a video in memory at once read it once")
    func oneLoad() async throws {
        try await withStore { store, _, _ in
            let memory = MemoryResultStore(over: store)
            let stored = try await keep(Data(repeating: 5, count: 5_000_000), in: memory)
            let places = try await withThrowingTaskGroup(of: UInt?.self) { group in
                for _ in 0..<16 {
                    group.addTask {
                        guard case .memory(let buffer) = try await memory.video(stored.name) else { return nil }
                        return buffer.withUnsafeReadableBytes { UInt(bitPattern: $0.baseAddress) }
                    }
                }
                return try await group.reduce(into: Set<UInt?>()) { $0.insert($1) }
            }
            #expect(places.count == 1)
            #expect(!places.contains(nil))
        }
    }

    @Test("A full disk is told as such, and what is there can still be read", .enabled(if: SmallDisk.isAvailable))
    func fullDisk() async throws {
        try await SmallDisk.with(bytes: 4 << 20) { directory in
            let store = try FileResultStore(directory: directory, logger: logger)
            let kept = try await keep(Data("video".utf8), in: store)
            let staged = store.stagingPath(for: "a")
            try Data(repeating: 7, count: 100_000).write(to: URL(fileURLWithPath: staged))
            let filler = try SmallDisk.fill(directory)
            await #expect(throws: ResultStoreError.full) { try await store.adopt(staged, sidecar: Data("{}".utf8)) }
            #expect(!FileManager.default.fileExists(atPath: staged))
            #expect(try await store.usage(oldest: 1).videos == 1)
            #expect(try await store.video(kept.name) != nil)
            unlink(filler)
            _ = try await keep(Data("another".utf8), in: store)
            try await store.close()
        }
    }

    @Test(
        "A disk that became read-only is told as such, and what is there can still be read",
        .enabled(if: SmallDisk.isAvailable)
    )
    func readOnlyDisk() async throws {
        try await SmallDisk.with(bytes: 4 << 20) { directory in
            let store = try FileResultStore(directory: directory, logger: logger)
            let kept = try await keep(Data("video".utf8), in: store)
            let staged = store.stagingPath(for: "a")
            try Data("another".utf8).write(to: URL(fileURLWithPath: staged))
            try SmallDisk.makeReadOnly(directory)
            let content = try #require(try await store.video(kept.name))
            #expect(try await VideoContentReader.read(content) == Data("video".utf8))
            let error = await #expect(throws: ResultStoreError.self) { try await store.adopt(staged, sidecar: Data()) }
            #expect(error?.code == "results_unavailable")
            let old = KeptVideo(name: kept.name, bytes: 5, lastUsed: .max)
            await #expect(throws: ResultStoreError.self) { try await store.remove(old) }
            #expect(try await store.contains(kept.name, bytes: 5))
            try await store.close()
        }
    }

    @Test("A directory that cannot be written is an error that names it", .enabled(if: geteuid() == 0))
    func unusableDirectory() throws {
        #expect(throws: ResultStoreError.unavailable("cannot create /proc/none/videos: No such file or directory")) {
            try FileResultStore(directory: "/proc/none", logger: logger)
        }
    }

    // MARK: Worlds

    private static func path(of name: VideoName, in directory: String) -> String {
        "\(directory)/videos/\(name.hex.prefix(2))/\(name.hex).mp4"
    }

    private func keep(_ content: Data, in store: any ResultStore) async throws -> StoredVideo {
        let path = store.stagingPath(for: UUID().uuidString)
        try content.write(to: URL(fileURLWithPath: path))
        return try await store.adopt(path, sidecar: Data("{}".utf8))
    }

    private func withStore(
        _ body: (FileResultStore, String, borrowing Atomic<Int64>) async throws -> Void
    ) async throws {
        try await withTemporaryDirectory { directory in
            let stores = OpenStores(directory, logger)
            try await body(try stores.open(), directory, stores.clock)
            try await stores.close()
        }
    }

    private struct NoFile: Error {}
}

/// Stores of one directory, with a clock that stands still until it is moved.
final class OpenStores: Sendable {
    /// Milliseconds since 1970.
    let clock = Atomic<Int64>(1_700_000_000_000)
    private let directory: String
    private let logger: Logger
    private let stores = Mutex<[FileResultStore]>([])

    init(_ directory: String, _ logger: Logger) {
        self.directory = directory
        self.logger = logger
    }

    func open() throws -> FileResultStore {
        let store = try FileResultStore(directory: directory, logger: logger) { [self] in
            clock.load(ordering: .relaxed)
        }
        stores.withLock { $0.append(store) }
        return store
    }

    func tick() {
        clock.add(10, ordering: .relaxed)
    }

    func close() async throws {
        for store in stores.withLock({ $0 }) { try await store.close() }
    }
}
