import Foundation
import Logging
import NIOCore
import Redis
import Results
import TestSupport
import Testing

@Suite("Level in Redis")
struct RedisResultLevelTests {
    private static let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    @Test("The level in Redis over the file store keeps the contract", arguments: ResultStoreConformance.all)
    func conformance(behaviour: ResultStoreConformance) async throws {
        try await conform(behaviour) { $0 }
    }

    @Test("The memory level over that in Redis keeps the contract", arguments: ResultStoreConformance.all)
    func memoryConformance(behaviour: ResultStoreConformance) async throws {
        try await conform(behaviour) { MemoryResultStore(over: $0) }
    }

    private func conform(
        _ behaviour: ResultStoreConformance,
        _ top: @escaping @Sendable (RedisResultLevel) -> any ResultStore
    ) async throws {
        try await withWorld { world async throws in
            let stores = OpenStores(world.directory, Self.logger)
            let open: @Sendable () throws -> any ResultStore = {
                top(RedisResultLevel(over: try stores.open(), commands: world.client, settings: world.settings))
            }
            try await behaviour.check(
                ResultStoreConformance.World(
                    store: try open(),
                    reopen: { try open() },
                    damage: { name, content in
                        let path = "\(world.directory)/videos/\(name.hex.prefix(2))/\(name.hex).mp4"
                        try content.write(to: URL(fileURLWithPath: path))
                    },
                    read: VideoContentReader.read,
                    tick: { stores.tick() }
                )
            )
            try await stores.close()
        }
    }

    @Test("What was asked for twice, on whichever machine, is kept for all of them")
    func admission() async throws {
        try await withLevels { one, other, world async throws in
            let name = try await keep("video", in: one)
            #expect(try await source(of: name, in: one) == .file)
            #expect(try await source(of: name, in: other) == .file)
            #expect(try await source(of: name, in: one) == .memory)
            #expect(try await source(of: name, in: other) == .memory)
            #expect(try await content(of: name, in: other) == Data("video".utf8))
        }
    }

    @Test("No more videos and bytes are kept than may be: those used longest ago go")
    func bounds() async throws {
        try await withLevels(change: {
            $0.maxEntries = 2
            $0.maxBytes = 25
        }) { one, _, world async throws in
            var names: [VideoName] = []
            for text in ["number one", "number two", "number three", "four", "longer than what may be kept at all"] {
                names.append(try await keep(text, in: one))
            }
            for name in names[0...1] + [names[4]] {
                for _ in 0..<2 { _ = try await one.video(name) }
            }
            #expect(try await source(of: names[4], in: one) == .file)
            #expect(try await source(of: names[0], in: one) == .memory)
            // Twelve bytes: with two of ten that is too much, and too many; the second was used longest ago.
            for _ in 0..<2 { _ = try await one.video(names[2]) }
            #expect(try await source(of: names[2], in: one) == .memory)
            #expect(try await source(of: names[0], in: one) == .memory)
            #expect(try await source(of: names[1], in: one) == .file)
            let bytes = try await world.client.send(RedisCommand("GET", "{\(world.settings.prefix)}:results:bytes"))
            let entries = try await world.client.send(
                RedisCommand("HGETALL", "{\(world.settings.prefix)}:results:videos"))
            let lengths = (entries.array ?? []).compactMap(\.bytes?.count).enumerated().filter { $0.offset % 2 == 1 }
            #expect(lengths.count == 2)
            #expect(bytes.integer == Int64(lengths.reduce(0) { $0 + $1.element }))
        }
    }

    @Test("A video that was removed on one machine is not served by another from what is shared")
    func removed() async throws {
        try await withLevels { one, other, _ async throws in
            let name = try await keep("video", in: one)
            for _ in 0..<3 { _ = try await other.video(name) }
            let kept = try #require(try await one.usage(oldest: 1).oldest.first)
            #expect(try await one.remove(kept))
            #expect(try await other.video(name) == nil)
            // It may be made again.
            #expect(try await keep("video", in: other) == name)
            for _ in 0..<2 { _ = try await one.video(name) }
            #expect(try await source(of: name, in: one) == .memory)
        }
    }

    @Test("What is not what its name says is not served, and not kept")
    func tampered() async throws {
        try await withLevels { one, _, world async throws in
            let name = try await keep("video", in: one)
            for _ in 0..<2 { _ = try await one.video(name) }
            let key = "{\(world.settings.prefix)}:results:videos"
            _ = try await world.client.send(RedisCommand("HSET", key, name.hex, "other"))
            #expect(try await content(of: name, in: one) == Data("video".utf8))
            #expect(try await world.client.send(RedisCommand("HEXISTS", key, name.hex)) == .integer(0))
        }
    }

    @Test("While Redis is down everything is served from the other store, and it is left alone for a while")
    func down() async throws {
        let fixture = try await RedisFixture()
        try await withWorld(fixture) { world async throws in
            let stores = OpenStores(world.directory, Self.logger)
            let level = RedisResultLevel(over: try stores.open(), commands: world.client, settings: world.settings)
            let name = try await keep("video", in: level)
            for _ in 0..<2 { _ = try await level.video(name) }
            #expect(try await source(of: name, in: level) == .memory)
            await fixture.kill()
            for _ in 0..<3 { #expect(try await content(of: name, in: level) == Data("video".utf8)) }
            #expect(try await keep("another", in: level) != name)
            let kept = try #require(try await level.usage(oldest: 1).oldest.first)
            _ = try await level.remove(kept)
            try await stores.close()
        }
    }

    @Test("What is turned off keeps nothing")
    func off() async throws {
        try await withLevels(change: { $0.maxEntries = 0 }) { one, _, world async throws in
            let name = try await keep("video", in: one)
            for _ in 0..<4 { #expect(try await source(of: name, in: one) == .file) }
            let keys = try await world.client.send(RedisCommand("KEYS", "{\(world.settings.prefix)}*"))
            #expect(keys == .array([]))
        }
    }

    // MARK: Support

    private struct World: Sendable {
        let client: RedisClient
        let settings: RedisLevelSettings
        let directory: String
    }

    private enum Source { case memory, file, elsewhere, none }

    private func source(of name: VideoName, in store: any ResultStore) async throws -> Source {
        switch try await store.video(name) {
        case .memory: .memory
        case .file: .file
        case .elsewhere: .elsewhere
        case nil: .none
        }
    }

    private func content(of name: VideoName, in store: any ResultStore) async throws -> Data? {
        guard let content = try await store.video(name) else { return nil }
        return try await VideoContentReader.read(content)
    }

    private func keep(_ text: String, in store: any ResultStore) async throws -> VideoName {
        let path = store.stagingPath(for: UUID().uuidString)
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
        return try await store.adopt(path, sidecar: Data("{}".utf8)).name
    }

    /// Runs a body with the levels of two machines over one store.
    private func withLevels(
        change: (inout RedisLevelSettings) -> Void = { _ in },
        _ body: (RedisResultLevel, RedisResultLevel, World) async throws -> Void
    ) async throws {
        try await withWorld(change: change) { world async throws in
            let stores = OpenStores(world.directory, Self.logger)
            let base = try stores.open()
            try await body(
                RedisResultLevel(over: base, commands: world.client, settings: world.settings),
                RedisResultLevel(over: base, commands: world.client, settings: world.settings),
                world
            )
            try await stores.close()
        }
    }

    private func withWorld(
        _ own: RedisFixture? = nil,
        change: (inout RedisLevelSettings) -> Void = { _ in },
        _ body: (World) async throws -> Void
    ) async throws {
        let fixture = if let own { own } else { try await RedisFixture.shared() }
        var settings = RedisLevelSettings(prefix: RedisFixture.uniquePrefix())
        change(&settings)
        try await withTemporaryDirectory { directory in
            let client = try RedisClient(
                RedisSettings(
                    url: try RedisURL(fixture.url),
                    commandTimeout: .seconds(60),
                    connectTimeout: .seconds(60),
                    grace: own == nil ? .seconds(60) : .zero
                ),
                logger: Self.logger
            )
            do {
                try await client.connect()
                try await body(World(client: client, settings: settings, directory: directory))
                await client.close()
            } catch {
                await client.close()
                throw error
            }
        }
    }
}
