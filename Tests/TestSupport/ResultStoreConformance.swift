package import Foundation
package import Results
import Testing

/// The contract of `ResultStore` as behaviours; every implementation shows every one.
package struct ResultStoreConformance: Sendable, CustomTestStringConvertible {
    /// A store to be examined.
    package struct World: Sendable {
        package var store: any ResultStore
        /// Closes the store and opens it again on the same data.
        package var reopen: @Sendable () async throws -> any ResultStore
        /// Changes the content of a stored video behind the store's back.
        package var damage: @Sendable (VideoName, Data) throws -> Void

        package init(
            store: any ResultStore,
            reopen: @escaping @Sendable () async throws -> any ResultStore,
            damage: @escaping @Sendable (VideoName, Data) throws -> Void
        ) {
            self.store = store
            self.reopen = reopen
            self.damage = damage
        }

        /// Writes content as an engine would and gives it to the store.
        func keep(_ content: Data, as name: String = UUID().uuidString) async throws -> StoredVideo {
            let path = store.stagingPath(for: name)
            try content.write(to: URL(fileURLWithPath: path))
            let stored = try await store.adopt(path)
            #expect(!FileManager.default.fileExists(atPath: path))
            return stored
        }
    }

    package let name: String
    package let check: @Sendable (World) async throws -> Void

    package var testDescription: String { name }

    /// Larger than any buffer, and no two bytes in a row alike.
    private static let content = Data((0..<3_000_001).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ $0 >> 8) })

    package static let all: [ResultStoreConformance] = [
        ResultStoreConformance(name: "What was stored is what is read") { world in
            let stored = try await world.keep(content)
            #expect(stored.bytes == 3_000_001)
            let found = try #require(try await world.store.video(stored.name))
            #expect(found == stored)
            #expect(try Data(contentsOf: URL(fileURLWithPath: found.path)) == content)
            #expect(world.store.contains(stored.name, bytes: stored.bytes))
            #expect(!world.store.contains(stored.name, bytes: stored.bytes - 1))
        },
        ResultStoreConformance(name: "It is there after the store was opened again") { world in
            let stored = try await world.keep(content)
            let reopened = try await world.reopen()
            #expect(try await reopened.video(stored.name) == stored)
        },
        ResultStoreConformance(name: "What is missing is nothing") { world in
            let name = try #require(VideoName(String(repeating: "0", count: 64)))
            #expect(try await world.store.video(name) == nil)
            #expect(!world.store.contains(name, bytes: 0))
        },
        ResultStoreConformance(name: "What is half written is never seen, and gone after a start") { world in
            let path = world.store.stagingPath(for: "half")
            try Data("half".utf8).write(to: URL(fileURLWithPath: path))
            _ = try await world.reopen()
            #expect(!FileManager.default.fileExists(atPath: path))
        },
        ResultStoreConformance(name: "A flipped byte is found after a start and never served") { world in
            let stored = try await world.keep(content)
            var damaged = content
            damaged[1_500_000] ^= 1
            try world.damage(stored.name, damaged)
            let reopened = try await world.reopen()
            await #expect(throws: ResultStoreError.damaged(stored.name)) { try await reopened.video(stored.name) }
            #expect(try await reopened.video(stored.name) == nil)
            #expect(!reopened.contains(stored.name, bytes: stored.bytes))
        },
        ResultStoreConformance(name: "A truncated video is not there for its length, and damaged when it is read") {
            world in
            let stored = try await world.keep(content)
            try world.damage(stored.name, content.prefix(1000))
            let reopened = try await world.reopen()
            #expect(!reopened.contains(stored.name, bytes: stored.bytes))
            await #expect(throws: ResultStoreError.damaged(stored.name)) { try await reopened.video(stored.name) }
        },
        ResultStoreConformance(name: "A damaged video is whole again once it was made again") { world in
            let stored = try await world.keep(content)
            try world.damage(stored.name, Data("x".utf8))
            #expect(try await world.keep(content) == stored)
            let reopened = try await world.reopen()
            #expect(try await reopened.video(stored.name) == stored)
        },
        ResultStoreConformance(name: "Two writers of one video both succeed") { world in
            let stored = try await withThrowingTaskGroup(of: StoredVideo.self) { group in
                for _ in 0..<8 { group.addTask { try await world.keep(content) } }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(stored.count == 8)
            #expect(stored.allSatisfy { $0 == stored[0] })
            #expect(try await world.store.video(stored[0].name) == stored[0])
        },
        ResultStoreConformance(name: "A staging file that is not there is an error") { world in
            await #expect(throws: ResultStoreError.self) {
                try await world.store.adopt(world.store.stagingPath(for: "nothing"))
            }
        },
    ]
}
