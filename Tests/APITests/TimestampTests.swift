import Foundation
import Tasks
import Testing

@testable import API

struct TimestampTests {
    private func text(_ milliseconds: Int64) -> String {
        var bytes: [UInt8] = []
        bytes.appendRFC3339(Timestamp(milliseconds: milliseconds))
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test(
        "A moment is written as RFC 3339 in UTC with milliseconds",
        arguments: [
            (0, "1970-01-01T00:00:00.000Z"), (-1, "1969-12-31T23:59:59.999Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"), (951_868_799_999, "2000-02-29T23:59:59.999Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"), (1_795_406_400_123, "2026-11-23T04:00:00.123Z"),
            (253_402_300_799_999, "9999-12-31T23:59:59.999Z"), (.max, "9999-12-31T23:59:59.999Z"),
            (.min, "0000-01-01T00:00:00.000Z"),
        ] as [(Int64, String)]
    )
    func written(_ milliseconds: Int64, _ expected: String) {
        #expect(text(milliseconds) == expected)
    }

    @Test("Foundation agrees over six hundred years")
    func foundation() {
        let style = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
        for _ in 0..<2000 {
            let milliseconds = Int64.random(in: -10_000_000_000_000...10_000_000_000_000) / 1000 * 1000
            let date = Date(timeIntervalSince1970: Double(milliseconds) / 1000)
            #expect(text(milliseconds) == date.formatted(style))
        }
    }
}
