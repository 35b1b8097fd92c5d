import Tasks
import Testing

@testable import Celery

struct CeleryTimeTests {
    @Test(
        "Moments are read as Python writes them",
        arguments: [
            ("2026-11-29T01:49:50.040898+00:00", 1_795_916_990_040),
            ("2026-11-29T01:49:50+00:00", 1_795_916_990_000),
            ("2026-11-29T01:49:50Z", 1_795_916_990_000),
            ("2026-11-29T01:49:50", 1_795_916_990_000),
            ("2026-11-29T09:49:50.5+08:00", 1_795_916_990_500),
            ("2026-11-28T20:49:50-0500", 1_795_916_990_000),
            ("1970-01-01T00:00:00+00:00", 0),
            ("1969-12-31T23:59:59+00:00", -1000),
            ("2024-02-29", 1_709_164_800_000),
        ] as [(String, Int64)]
    )
    func reads(_ text: String, _ milliseconds: Int64) {
        #expect(CeleryTime.moment(text)?.milliseconds == milliseconds)
    }

    @Test(
        "What is no moment is none",
        arguments: [
            "", "now", "2026", "2026-13-01T00:00:00", "2026-01-01T25:00:00", "2026-01-01T00:00:00+",
            "2026-01-01T00:00:00.",
            "2026-01-01T00:00:00+00:00x", "２０２６-01-01T00:00:00",
        ]
    )
    func refuses(_ text: String) {
        #expect(CeleryTime.moment(text) == nil)
    }

    @Test(
        "What is written is read as the same moment", arguments: [0, -1, 1_795_916_990_040, 951_782_400_000] as [Int64])
    func writes(_ milliseconds: Int64) {
        let moment = Timestamp(milliseconds: milliseconds)
        #expect(CeleryTime.moment(CeleryTime.text(moment)) == moment)
    }

    @Test("It is written with six digits, as Python does")
    func text() {
        #expect(CeleryTime.text(Timestamp(milliseconds: 1_795_916_990_040)) == "2026-11-29T01:49:50.040000+00:00")
    }
}
