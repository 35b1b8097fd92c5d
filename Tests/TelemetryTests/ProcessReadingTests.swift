import Testing

@testable import Telemetry

struct ProcessReadingTests {
    private let stat = """
        4242 (a (strange) name) S 1 4242 4242 0 -1 4194560 9000 0 3 0 150 50 0 0 20 0 12 0 1000 104857600 2560 \
        18446744073709551615 1 1 0 0 0 0 0 4096 17642 0 0 0 17 1 0 0 0 0 0 0 0 0 0 0 0 0 0
        """
    private let limits = """
        Limit                     Soft Limit           Hard Limit           Units
        Max cpu time              unlimited            unlimited            seconds
        Max open files            20000                20000                files
        """

    @Test("What the kernel writes is read, whatever the program is called")
    func reading() throws {
        let reading = try #require(
            ProcessReading(
                stat: stat,
                system: "cpu  1 2 3\nbtime 1700000000\nprocesses 5\n",
                limits: limits,
                openFiles: 17,
                ticksPerSecond: 100,
                pageBytes: 4096
            )
        )
        #expect(reading.cpuSeconds == 2)
        #expect(reading.residentBytes == 2560 * 4096)
        #expect(reading.virtualBytes == 104_857_600)
        #expect(reading.startTime == 1_700_000_010)
        #expect(reading.maxFiles == 20000)
        #expect(Set(reading.samples.map(\.name)).isSubset(of: MetricCatalog.all.map(\.name)))
    }

    @Test("Without a limit of files there is none; what is cut off is nothing")
    func oddities() {
        func reading(_ stat: String, _ limits: String) -> ProcessReading? {
            ProcessReading(
                stat: stat, system: "btime 1\n", limits: limits, openFiles: 1, ticksPerSecond: 100, pageBytes: 1)
        }
        #expect(reading(stat, "Max open files  unlimited unlimited files")?.maxFiles == .infinity)
        #expect(reading(String(stat.prefix(60)), limits) == nil)
        #expect(reading("", limits) == nil)
    }

    #if os(Linux)
    @Test("This process is read")
    func now() throws {
        let reading = try #require(ProcessReading.now())
        #expect(reading.residentBytes > 1 << 20)
        #expect(reading.openFiles > 2)
        #expect(reading.startTime > 1_600_000_000)
    }
    #endif
}
