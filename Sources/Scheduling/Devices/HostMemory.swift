import Foundation

/// The memory that processes of this one's control group can have.
struct HostMemory: Sendable, Equatable {
    var totalBytes: Int64
    var freeBytes: Int64

    /// A limit of a control group and what counts against it.
    struct Limit: Sendable, Equatable {
        var bytes: Int64
        /// Without what the kernel gives back on its own.
        var usedBytes: Int64
    }

    /// The machine's memory.
    ///
    /// - Parameter text: what is in `/proc/meminfo`; `nil` if it is not as proc(5) says.
    init?(meminfo text: String) {
        var values: [Substring: Int64] = [:]
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: ":", maxSplits: 1)
            guard parts.count == 2, let kibibytes = parts[1].split(separator: " ").first.flatMap({ Int64($0) }) else {
                continue
            }
            values[parts[0]] = kibibytes.multipliedReportingOverflow(by: 1024).partialValue
        }
        guard let total = values["MemTotal"], let available = values["MemAvailable"] ?? values["MemFree"] else {
            return nil
        }
        totalBytes = total
        freeBytes = available
    }

    /// This memory within a limit.
    func limited(by limit: Limit) -> HostMemory {
        var memory = self
        memory.totalBytes = min(totalBytes, limit.bytes)
        memory.freeBytes = min(freeBytes, max(0, limit.bytes - limit.usedBytes))
        return memory
    }
}

/// The memory limits of this process's control group and of those around it, versions 1 and 2.
struct ControlGroups: Sendable {
    /// The names of one version's files (cgroups(7), Linux kernel documentation `cgroup-v2` and `cgroup-v1/memory`).
    private struct Layout {
        var mount: String
        var limit: String
        var usage: String
        /// In `memory.stat`: files that were read once, which the kernel drops first.
        var reclaimable: String
    }

    /// A deeper nesting is not looked at.
    private static let maximumDepth = 32

    /// `/`, or where a test has its own `proc` and `sys`.
    let root: String

    /// The limits that are set; none where there is no control group.
    func limits() -> [HostMemory.Limit] {
        guard let text = read("/proc/self/cgroup") else { return [] }
        return text.split(separator: "\n").flatMap { line -> [HostMemory.Limit] in
            // hierarchy:controllers:path; version 2 names no controllers.
            let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard parts.count == 3 else { return [] }
            if parts[1].isEmpty { return limits(path: String(parts[2]), Self.second) }
            guard parts[1].split(separator: ",").contains("memory") else { return [] }
            return limits(path: String(parts[2]), Self.first)
        }
    }

    private static let first = Layout(
        mount: "/sys/fs/cgroup/memory",
        limit: "memory.limit_in_bytes",
        usage: "memory.usage_in_bytes",
        reclaimable: "total_inactive_file"
    )
    private static let second = Layout(
        mount: "/sys/fs/cgroup",
        limit: "memory.max",
        usage: "memory.current",
        reclaimable: "inactive_file"
    )

    /// Of the group and all around it.
    ///
    /// In a container the path may be the host's, which is not there: the root is.
    private func limits(path: String, _ layout: Layout) -> [HostMemory.Limit] {
        var names = path.split(separator: "/").prefix(Self.maximumDepth)
        var limits: [HostMemory.Limit] = []
        while true {
            let group = ([layout.mount] + names.map(String.init)).joined(separator: "/")
            if let limit = limit(of: group, layout) { limits.append(limit) }
            guard names.popLast() != nil else { return limits }
        }
    }

    private func limit(of group: String, _ layout: Layout) -> HostMemory.Limit? {
        // "max" or a huge number where there is none.
        guard let bytes = number(group + "/" + layout.limit), let used = number(group + "/" + layout.usage) else {
            return nil
        }
        let statistics = read(group + "/memory.stat") ?? ""
        let reclaimable = statistics.split(separator: "\n")
            .first { $0.hasPrefix(layout.reclaimable + " ") }
            .flatMap { $0.split(separator: " ").last.flatMap { Int64($0) } }
        return HostMemory.Limit(bytes: bytes, usedBytes: max(0, used - max(0, reclaimable ?? 0)))
    }

    private func number(_ path: String) -> Int64? {
        read(path).flatMap { Int64($0.trimmingCharacters(in: .whitespacesAndNewlines)) }
    }

    private func read(_ path: String) -> String? {
        try? String(contentsOfFile: root + path, encoding: .utf8)
    }
}
