import Foundation
import Results
import Testing

extension ResultStoreConformance {
    static let damage: [ResultStoreConformance] = [
        ResultStoreConformance(name: "A flipped byte is found after a start and never served") { world in
            let stored = try await world.keep(content)
            var damaged = content
            damaged[1_500_000] ^= 1
            try await world.damage(stored.name, damaged)
            let reopened = try await world.reopen()
            await #expect(throws: ResultStoreError.damaged(stored.name)) { try await reopened.video(stored.name) }
            #expect(try await world.content(of: stored.name, in: reopened) == nil)
            #expect(try await !reopened.contains(stored.name, bytes: stored.bytes))
        },
        ResultStoreConformance(name: "A truncated video is damaged when it is read after a start") { world in
            let stored = try await world.keep(content)
            try await world.damage(stored.name, content.prefix(1000))
            let reopened = try await world.reopen()
            #expect(try await !reopened.contains(stored.name, bytes: stored.bytes))
            await #expect(throws: ResultStoreError.damaged(stored.name)) { try await reopened.video(stored.name) }
        },
        ResultStoreConformance(name: "Damage that came after a read is found by verifying, and not served after it") {
            world in
            let stored = try await world.keep(content)
            for _ in 0..<2 { #expect(try await world.content(of: stored.name) == content) }
            var damaged = content
            damaged[0] ^= 1
            try await world.damage(stored.name, damaged)
            #expect(try await !world.store.verify(stored.name))
            #expect(try await world.content(of: stored.name) == nil)
            #expect(try await world.store.usage(oldest: 10).videos == 0)
        },
        ResultStoreConformance(name: "A damaged video is no local file") { world in
            let stored = try await world.keep(content)
            try await world.damage(stored.name, Data("x".utf8))
            let reopened = try await world.reopen()
            await #expect(throws: ResultStoreError.damaged(stored.name)) {
                try await reopened.withLocalFile(of: stored.name) { _ in true }
            }
        },
        ResultStoreConformance(name: "A damaged video is whole again once it was made again") { world in
            let stored = try await world.keep(content)
            try await world.damage(stored.name, Data("x".utf8))
            #expect(try await world.keep(content) == stored)
            let reopened = try await world.reopen()
            #expect(try await world.content(of: stored.name, in: reopened) == content)
        },
    ]

    static let letting: [ResultStoreConformance] = [
        ResultStoreConformance(name: "An inventory counts everything and names the oldest first") { world in
            #expect(try await world.store.usage(oldest: 10) == ResultUsage(videos: 0, bytes: 0, oldest: []))
            var names: [VideoName] = []
            for content in ["first", "second", "third"] {
                names.append(try await world.keep(Data(content.utf8)).name)
                try await world.tick()
            }
            try await world.keep(Data("stills".utf8), as: .posterJPEG, of: names[1])
            let usage = try await world.store.usage(oldest: 2)
            #expect(usage.videos == 3)
            // Each with a sidecar of two bytes, and one with a variant of six.
            #expect(usage.bytes == 28)
            #expect(usage.oldest.map(\.name) == Array(names.prefix(2)))
            #expect(usage.oldest.map(\.bytes) == [7, 14])
            #expect(try await world.store.usage(oldest: 0).oldest.isEmpty)
        },
        ResultStoreConformance(name: "A use makes a video the youngest") { world in
            var names: [VideoName] = []
            for content in ["first", "second"] {
                names.append(try await world.keep(Data(content.utf8)).name)
                try await world.tick()
            }
            _ = try await world.store.usage(oldest: 10)
            #expect(try await world.content(of: names[0]) == Data("first".utf8))
            #expect(try await world.store.usage(oldest: 10).oldest.map(\.name) == [names[1], names[0]])
        },
        ResultStoreConformance(name: "A removed video is gone with all that belongs to it") { world in
            let stored = try await world.keep(content)
            try await world.keep(Data("stills".utf8), as: .posterWebP, of: stored.name)
            #expect(try await world.content(of: stored.name) == content)
            let kept = try #require(try await world.store.usage(oldest: 1).oldest.first)
            #expect(try await world.store.remove(kept))
            #expect(try await world.content(of: stored.name) == nil)
            #expect(try await world.store.sidecar(of: stored.name) == nil)
            #expect(try await world.store.variant(.posterWebP, of: stored.name) == nil)
            #expect(try await !world.store.contains(stored.name, bytes: stored.bytes))
            #expect(try await world.store.usage(oldest: 1) == ResultUsage(videos: 0, bytes: 0, oldest: []))
            // Nothing is left to do, and that is no error.
            #expect(try await world.store.remove(kept))
        },
        ResultStoreConformance(name: "Who is reading reads on when the video is removed") { world in
            let stored = try await world.keep(content)
            guard let held = try await world.store.video(stored.name) else { throw Missing() }
            // An address is not held open; it is good for as long as the video is there.
            if case .elsewhere = held { return }
            let kept = try #require(try await world.store.usage(oldest: 1).oldest.first)
            #expect(try await world.store.remove(kept))
            #expect(try await world.read(held) == content)
        },
        ResultStoreConformance(
            name: "What was used since the inventory is not removed, however often it was used before"
        ) {
            world in
            let stored = try await world.keep(content)
            for _ in 0..<3 { #expect(try await world.content(of: stored.name) == content) }
            for _ in 0..<2 {
                let kept = try #require(try await world.store.usage(oldest: 1).oldest.first)
                #expect(try await world.content(of: stored.name) == content)
                #expect(try await !world.store.remove(kept))
                #expect(try await world.content(of: stored.name) == content)
            }
        },
        ResultStoreConformance(name: "What was taken over again since the inventory is not removed") { world in
            let stored = try await world.keep(content)
            let kept = try #require(try await world.store.usage(oldest: 1).oldest.first)
            try await world.tick()
            #expect(try await world.keep(content) == stored)
            #expect(try await !world.store.remove(kept))
            #expect(try await world.content(of: stored.name) == content)
        },
        ResultStoreConformance(name: "What is used as a local file is not taken away") { world in
            let stored = try await world.keep(content)
            let whole = try await world.store.withLocalFile(of: stored.name) { path in
                for kept in (try? await world.store.usage(oldest: 1).oldest) ?? [] {
                    _ = try? await world.store.remove(kept)
                }
                return try? Data(contentsOf: URL(fileURLWithPath: path))
            }
            #expect(whole == content)
        },
    ]

    /// A video that should be there is not.
    private struct Missing: Error {}
}
