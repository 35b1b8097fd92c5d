package import Foundation
package import Results
import Testing

/// The contract of `ResultStore` as behaviours; every implementation shows every one.
package struct ResultStoreConformance: Sendable, CustomTestStringConvertible {
    package let name: String
    package let check: @Sendable (World) async throws -> Void

    package var testDescription: String { name }

    package static let all = keeping + damage + letting

    /// A store to be examined.
    package struct World: Sendable {
        package var store: any ResultStore
        /// Opens the store again on the same data, as after a start.
        package var reopen: @Sendable () async throws -> any ResultStore
        /// Changes the content of a stored video behind the store's back.
        package var damage: @Sendable (VideoName, Data) async throws -> Void
        /// All bytes of a content.
        package var read: @Sendable (VideoContent) async throws -> Data
        /// Lets so much time pass that a use gets a later time of its own.
        package var tick: @Sendable () async throws -> Void

        package init(
            store: any ResultStore,
            reopen: @escaping @Sendable () async throws -> any ResultStore,
            damage: @escaping @Sendable (VideoName, Data) async throws -> Void,
            read: @escaping @Sendable (VideoContent) async throws -> Data,
            tick: @escaping @Sendable () async throws -> Void = {}
        ) {
            self.store = store
            self.reopen = reopen
            self.damage = damage
            self.read = read
            self.tick = tick
        }

        /// Writes content as an engine would and gives it to the store.
        func keep(_ content: Data, sidecar: Data = Data("{}".utf8)) async throws -> StoredVideo {
            let path = store.stagingPath(for: UUID().uuidString)
            try content.write(to: URL(fileURLWithPath: path))
            let stored = try await store.adopt(path, sidecar: sidecar)
            #expect(!FileManager.default.fileExists(atPath: path))
            return stored
        }

        /// Writes something made from a video and gives it to the store.
        func keep(_ content: Data, as variant: VideoVariant, of name: VideoName) async throws {
            let path = store.stagingPath(for: UUID().uuidString)
            try content.write(to: URL(fileURLWithPath: path))
            try await store.adopt(path, as: variant, of: name)
            #expect(!FileManager.default.fileExists(atPath: path))
        }

        /// The whole video, as a client gets it.
        func content(of name: VideoName, in other: (any ResultStore)? = nil) async throws -> Data? {
            guard let content = try await (other ?? store).video(name) else { return nil }
            let data = try await read(content)
            #expect(content.bytes == Int64(data.count))
            return data
        }
    }

    /// Larger than any buffer, and no two bytes in a row alike.
    static let content = Data((0..<3_000_001).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ $0 >> 8) })
    /// A name that no video here has.
    static let missing = VideoName(String(repeating: "0", count: 64))

    private static let keeping: [ResultStoreConformance] = [
        ResultStoreConformance(name: "What was stored is what is read") { world in
            let stored = try await world.keep(content)
            #expect(stored.bytes == 3_000_001)
            // More than once: a store may answer later reads from elsewhere than the first.
            for _ in 0..<3 { #expect(try await world.content(of: stored.name) == content) }
            #expect(try await world.store.contains(stored.name, bytes: stored.bytes))
            #expect(try await !world.store.contains(stored.name, bytes: stored.bytes - 1))
            #expect(try await world.store.verify(stored.name))
        },
        ResultStoreConformance(name: "It is there after the store was opened again") { world in
            let stored = try await world.keep(content)
            let reopened = try await world.reopen()
            #expect(try await world.content(of: stored.name, in: reopened) == content)
        },
        ResultStoreConformance(name: "An empty video is a video") { world in
            let stored = try await world.keep(Data())
            #expect(try await world.content(of: stored.name) == Data())
        },
        ResultStoreConformance(name: "What is missing is nothing") { world in
            let name = try #require(missing)
            #expect(try await world.store.video(name) == nil)
            #expect(try await world.store.sidecar(of: name) == nil)
            #expect(try await world.store.variant(.posterJPEG, of: name) == nil)
            #expect(try await !world.store.contains(name, bytes: 0))
            #expect(try await !world.store.verify(name))
            let used = try await world.store.withLocalFile(of: name) { _ in true }
            #expect(used == nil)
        },
        ResultStoreConformance(name: "What is half written is never seen, and gone after a start") { world in
            let path = world.store.stagingPath(for: "half")
            try Data("half".utf8).write(to: URL(fileURLWithPath: path))
            #expect(try await world.store.usage(oldest: 10).videos == 0)
            _ = try await world.reopen()
            #expect(!FileManager.default.fileExists(atPath: path))
        },
        ResultStoreConformance(name: "Two writers of one video both succeed") { world in
            let stored = try await withThrowingTaskGroup(of: StoredVideo.self) { group in
                for _ in 0..<8 { group.addTask { try await world.keep(content) } }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(stored.count == 8)
            #expect(stored.allSatisfy { $0 == stored[0] })
            #expect(try await world.content(of: stored[0].name) == content)
            #expect(try await world.store.usage(oldest: 10).videos == 1)
        },
        ResultStoreConformance(name: "Many readers at once all get the whole video") { world in
            let stored = try await world.keep(content)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<16 {
                    group.addTask {
                        let read = try await world.content(of: stored.name)
                        #expect(read == content)
                    }
                }
                try await group.waitForAll()
            }
        },
        ResultStoreConformance(name: "A staging file that is not there is an error") { world in
            await #expect(throws: ResultStoreError.self) {
                try await world.store.adopt(world.store.stagingPath(for: "nothing"), sidecar: Data())
            }
        },
        ResultStoreConformance(name: "The last sidecar counts, and is there after a start") { world in
            let stored = try await world.keep(content, sidecar: Data(#"{"a":1}"#.utf8))
            #expect(try await world.store.sidecar(of: stored.name) == Data(#"{"a":1}"#.utf8))
            _ = try await world.keep(content, sidecar: Data(#"{"a":2}"#.utf8))
            let reopened = try await world.reopen()
            #expect(try await reopened.sidecar(of: stored.name) == Data(#"{"a":2}"#.utf8))
        },
        ResultStoreConformance(name: "What was made from a video is kept with it") { world in
            let stored = try await world.keep(content)
            #expect(try await world.store.variant(.sprites, of: stored.name) == nil)
            try await world.keep(Data("stills".utf8), as: .sprites, of: stored.name)
            let variant = try #require(try await world.store.variant(.sprites, of: stored.name))
            #expect(try await world.read(variant) == Data("stills".utf8))
            #expect(try await world.store.variant(.posterJPEG, of: stored.name) == nil)
        },
        ResultStoreConformance(name: "What was made from a video that is gone is not kept") { world in
            let name = try #require(missing)
            try await world.keep(Data("stills".utf8), as: .sprites, of: name)
            #expect(try await world.store.variant(.sprites, of: name) == nil)
        },
        ResultStoreConformance(name: "A local file holds the video until its user is done") { world in
            let stored = try await world.keep(content)
            let whole = try await world.store.withLocalFile(of: stored.name) { path in
                try? Data(contentsOf: URL(fileURLWithPath: path))
            }
            #expect(whole == content)
        },
    ]
}
