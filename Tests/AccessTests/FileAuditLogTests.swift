import Foundation
import Tasks
import TestSupport
import Testing

@testable import Access

@Suite("The audit log")
struct FileAuditLogTests {
    private func entry(_ action: String = "key.revoke") -> AuditEntry {
        AuditEntry(
            time: ManualClock.start,
            key: "abc",
            action: action,
            target: "def",
            outcome: "done",
            requestID: "r-1",
            peer: "127.0.0.1"
        )
    }

    @Test("Every deed is a line, in a file that its owner alone can read, also after a restart")
    func lines() async throws {
        try await withTemporaryDirectory { directory in
            FileAuditLog(directory: directory, logger: World.logger).write(entry())
            FileAuditLog(directory: directory, logger: World.logger).write(entry("server.drain"))
            let path = "\(directory)/audit.jsonl"
            let lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
            #expect(lines.count == 2)
            let expected = """
                {"action":"key.revoke","key":"abc","outcome":"done","peer":"127.0.0.1","request_id":"r-1",\
                "target":"def","time":"2026-01-01T00:00:00.000Z"}
                """
            #expect(lines.first.map(String.init) == expected)
            let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? NSNumber
            #expect(mode?.intValue == 0o600)
        }
    }

    @Test("A full file is put aside, and eight are kept")
    func rotation() async throws {
        try await withTemporaryDirectory { directory in
            let log = FileAuditLog(directory: directory, maxBytes: 400, logger: World.logger)
            for number in 0..<100 { log.write(entry("\(number)")) }
            let files = try FileManager.default.contentsOfDirectory(atPath: directory).sorted()
            #expect(files == ["audit.jsonl"] + (1...7).map { "audit.jsonl.\($0)" })
            for file in files {
                let size = try FileManager.default.attributesOfItem(atPath: "\(directory)/\(file)")[.size] as? NSNumber
                #expect((1...400).contains(size?.intValue ?? 0))
            }
            let newest = try String(contentsOfFile: "\(directory)/audit.jsonl", encoding: .utf8)
            #expect(newest.contains("\"99\""))
        }
    }

    @Test("A line that cannot be written is no failure, and the next is tried again")
    func unwritable() async throws {
        try await withTemporaryDirectory { directory in
            let inner = "\(directory)/inner"
            let log = FileAuditLog(directory: inner, logger: World.logger)
            log.write(entry())
            try FileManager.default.createDirectory(atPath: inner, withIntermediateDirectories: false)
            log.write(entry())
            let text = try String(contentsOfFile: "\(inner)/audit.jsonl", encoding: .utf8)
            #expect(text.split(separator: "\n").count == 1)
        }
    }
}
