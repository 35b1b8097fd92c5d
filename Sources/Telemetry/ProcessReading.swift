import Foundation

/// What this process uses, as the kernel says.
package struct ProcessReading: Sendable {
    package var cpuSeconds: Double
    package var residentBytes: Int
    package var virtualBytes: Int
    /// In seconds since 1970.
    package var startTime: Double
    package var openFiles: Int
    package var maxFiles: Double

    /// The reading of now; `nil` where the kernel has no `/proc`.
    package static func now() -> ProcessReading? {
        guard let stat = contents("/proc/self/stat"), let system = contents("/proc/stat"),
            let limits = contents("/proc/self/limits"),
            let files = try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count
        else { return nil }
        return ProcessReading(
            stat: stat,
            system: system,
            limits: limits,
            // That of the directory itself is closed again.
            openFiles: max(0, files - 1),
            ticksPerSecond: Double(sysconf(Int32(_SC_CLK_TCK))),
            pageBytes: Int(sysconf(Int32(_SC_PAGESIZE)))
        )
    }

    /// Reads what the kernel wrote; `nil` if it is not what it should be.
    ///
    /// - Parameters:
    ///   - stat: of `/proc/self/stat`.
    ///   - system: of `/proc/stat`, for the moment of its start.
    ///   - limits: of `/proc/self/limits`.
    ///   - openFiles: as many as are open.
    ///   - ticksPerSecond: the unit of times.
    ///   - pageBytes: the unit of memory.
    init?(stat: String, system: String, limits: String, openFiles: Int, ticksPerSecond: Double, pageBytes: Int) {
        // The name of the program stands in brackets and may have anything in it.
        guard let end = stat.lastIndex(of: ")") else { return nil }
        let fields = stat[stat.index(after: end)...].split(separator: " ")
        guard fields.count > 21, let user = Double(fields[11]), let kernel = Double(fields[12]),
            let started = Double(fields[19]), let virtual = Int(fields[20]),
            let pages = Int(fields[21].prefix { !$0.isWhitespace }),
            let booted = system.split(separator: "\n").first(where: { $0.hasPrefix("btime ") }),
            let boot = Double(booted.dropFirst("btime ".count)), ticksPerSecond > 0
        else { return nil }
        cpuSeconds = (user + kernel) / ticksPerSecond
        residentBytes = pages * pageBytes
        virtualBytes = virtual
        startTime = boot + started / ticksPerSecond
        self.openFiles = openFiles
        let line = limits.split(separator: "\n").first { $0.hasPrefix("Max open files") }
        maxFiles = line?.split(separator: " ").dropFirst(3).first.flatMap { Double($0) } ?? .infinity
    }

    /// As metrics of the catalogue.
    package var samples: [MetricSample] {
        [
            MetricSample("process_cpu_seconds_total", cpuSeconds),
            MetricSample("process_resident_memory_bytes", residentBytes),
            MetricSample("process_virtual_memory_bytes", virtualBytes),
            MetricSample("process_start_time_seconds", startTime),
            MetricSample("process_open_fds", openFiles),
            MetricSample("process_max_fds", maxFiles),
        ]
    }

    private static func contents(_ path: String) -> String? {
        (try? Data(contentsOf: URL(fileURLWithPath: path))).map { String(decoding: $0, as: UTF8.self) }
    }
}
