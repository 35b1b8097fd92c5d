import Foundation
import Logging
import Results
import TestSupport
import Testing

@Suite("Result stores")
struct ResultStoreTests {
    private let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    @Test("The file store keeps the contract", arguments: ResultStoreConformance.all)
    func conformance(behaviour: ResultStoreConformance) async throws {
        try await withTemporaryDirectory { directory in
            let logger = logger
            let world = ResultStoreConformance.World(
                store: try FileResultStore(directory: directory, logger: logger),
                reopen: { try FileResultStore(directory: directory, logger: logger) },
                damage: { name, content in
                    try content.write(
                        to: URL(fileURLWithPath: "\(directory)/videos/\(name.hex.prefix(2))/\(name.hex).mp4")
                    )
                }
            )
            try await behaviour.check(world)
        }
    }

    @Test("A damaged video is set aside for a person to look at")
    func setAside() async throws {
        try await withTemporaryDirectory { directory in
            let store = try FileResultStore(directory: directory, logger: logger)
            let path = store.stagingPath(for: "a")
            try Data("video".utf8).write(to: URL(fileURLWithPath: path))
            let stored = try await store.adopt(path)
            try Data("other".utf8).write(to: URL(fileURLWithPath: stored.path))
            let reopened = try FileResultStore(directory: directory, logger: logger)
            await #expect(throws: ResultStoreError.self) { try await reopened.video(stored.name) }
            let aside = try Data(contentsOf: URL(fileURLWithPath: "\(directory)/damaged/\(stored.name).mp4"))
            #expect(aside == Data("other".utf8))
        }
    }

    @Test("A directory that cannot be written is an error that names it", .enabled(if: geteuid() == 0))
    func unusableDirectory() throws {
        #expect(throws: ResultStoreError.unavailable("cannot create /proc/none/videos: No such file or directory")) {
            try FileResultStore(directory: "/proc/none", logger: logger)
        }
    }

    @Test("Only 64 lower-case hexadecimal digits are a name")
    func names() {
        let good = String(repeating: "0123456789abcdef", count: 4)
        #expect(VideoName(good)?.hex == good)
        for bad in ["", "abc", good.uppercased(), good + "0", "../" + good.dropFirst(3), good.dropLast() + "é"] {
            #expect(VideoName(bad) == nil)
        }
    }
}

@Suite("Result keys")
struct ResultKeyTests {
    private func key(_ request: String, _ model: String = "m", _ engine: String = "1") -> ResultKey {
        ResultKey(canonicalRequest: Data(request.utf8), modelFingerprint: model, engineVersion: engine)
    }

    @Test("Equal parts give one key, and every part counts")
    func parts() {
        #expect(key("a") == key("a"))
        #expect(Set([key("a"), key("b"), key("a", "n"), key("a", "m", "2")]).count == 4)
    }

    @Test("The border between two parts counts")
    func borders() {
        #expect(key("a", "bc", "d") != key("a", "b", "cd"))
        #expect(key("ab", "c") != key("a", "bc"))
    }

    @Test("A key is what it always was")
    func stability() {
        #expect(key("{}").hex == "e3be6a54bc7ed408cb8f04b4c0cec89d42822c41c427044cc27eec146c8214a1")
    }
}
