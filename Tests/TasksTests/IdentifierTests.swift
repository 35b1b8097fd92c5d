import Foundation
import Tasks
import TestSupport
import Testing

@Suite("Identifiers")
struct IdentifierTests {
    @Test("Task ids sort in the order in which they were made, within a millisecond and over a clock that stands")
    func order() {
        let source = TaskIDSource(clock: ManualClock())
        let ids = (0..<10_000).map { _ in source.next() }
        #expect(ids == ids.sorted())
        #expect(Set(ids).count == ids.count)
        #expect(ids.map(\.description) == ids.map(\.description).sorted())
    }

    @Test("A task id is a UUID of version 7 with the time in it")
    func format() throws {
        let clock = ManualClock()
        let text = TaskIDSource(clock: clock).next().description
        #expect(text.wholeMatch(of: /[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/) != nil)
        let hex = text.replacing("-", with: "").prefix(12)
        #expect(Int64(hex, radix: 16) == clock.wallTime().milliseconds)
    }

    @Test("A task id is read back from its text and from its bytes")
    func roundTrip() throws {
        let id = TaskIDSource(clock: SystemClock()).next()
        #expect(TaskID(id.description) == id)
        #expect(TaskID(bytes: id.bytes) == id)
    }

    @Test(
        "What is no task id is refused",
        arguments: ["", "1", String(repeating: "a", count: 36), "../../etc/passwd", "0197-", "❤️"]
    )
    func garbage(text: String) {
        #expect(TaskID(text) == nil)
        #expect(TaskID(bytes: Data(text.utf8.prefix(15))) == nil)
    }
}
