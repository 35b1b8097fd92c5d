import TestSupport
import Testing

@testable import Scheduling

@Suite("The processor as a device")
struct DevicesHostTests {
    @Test("Memory is what the machine has and what is available of it")
    func memory() async throws {
        try await withTemporaryDirectory { folder in
            _ = try DevicesMachine(in: folder)
            let device = try #require(await HostProbe(root: folder).devices().devices.first)
            #expect((device.id, device.name) == ("cpu", "cpu"))
            #expect((device.totalBytes, device.freeBytes) == (16_384_000_000, 8_192_000_000))
            #expect(device.utilisation == nil)
        }
    }

    @Test("Utilisation is the share of the time at work between two looks")
    func utilisation() async throws {
        try await withTemporaryDirectory { folder in
            let machine = try DevicesMachine(in: folder)
            let probe = HostProbe(root: folder)
            _ = await probe.devices()
            try machine.write("proc/stat", DevicesMachine.stat(busy: 130, idle: 930, waiting: 40))
            #expect(await probe.devices().devices.first?.utilisation == 0.3)
            // No time has passed.
            #expect(await probe.devices().devices.first?.utilisation == nil)
            // Counters that go back.
            try machine.write("proc/stat", DevicesMachine.stat(busy: 100, idle: 2000))
            #expect(await probe.devices().devices.first?.utilisation == 0)
            try machine.write("proc/stat", "nonsense")
            #expect(await probe.devices().devices.first?.utilisation == nil)
        }
    }

    @Test("A control group's limit counts, whether it is this one's or that of one around it")
    func secondVersion() async throws {
        try await withTemporaryDirectory { folder in
            let machine = try DevicesMachine(in: folder)
            try machine.write("proc/self/cgroup", "0::/slice/service\n")
            try machine.write("sys/fs/cgroup/slice/service/memory.max", "max\n")
            try machine.write("sys/fs/cgroup/slice/service/memory.current", "5000000\n")
            try machine.write("sys/fs/cgroup/slice/memory.max", "4000000000\n")
            try machine.write("sys/fs/cgroup/slice/memory.current", "3000000000\n")
            // What the kernel would give back does not count.
            try machine.write("sys/fs/cgroup/slice/memory.stat", "anon 1\ninactive_file 500000000\nactive_file 2\n")
            let device = try #require(await HostProbe(root: folder).devices().devices.first)
            #expect((device.totalBytes, device.freeBytes) == (4_000_000_000, 1_500_000_000))
        }
    }

    @Test("Control groups of the first version count as well, where a container's own is at the root")
    func firstVersion() async throws {
        try await withTemporaryDirectory { folder in
            let machine = try DevicesMachine(in: folder)
            try machine.write("proc/self/cgroup", "5:cpu,cpuacct:/docker/ab\n4:memory:/docker/ab\n")
            try machine.write("sys/fs/cgroup/memory/memory.limit_in_bytes", "2000000000\n")
            try machine.write("sys/fs/cgroup/memory/memory.usage_in_bytes", "2500000000\n")
            let device = try #require(await HostProbe(root: folder).devices().devices.first)
            #expect((device.totalBytes, device.freeBytes) == (2_000_000_000, 0))
        }
    }

    @Test("Files that say nonsense are an obstacle and no numbers", arguments: ["", "MemTotal: x kB", "\u{0}\n:::"])
    func nonsense(text: String) async throws {
        try await withTemporaryDirectory { folder in
            let machine = try DevicesMachine(in: folder)
            try machine.write("proc/meminfo", text)
            try machine.write("proc/self/cgroup", text)
            let report = await HostProbe(root: folder).devices()
            #expect(report.devices.isEmpty)
            #expect(report.unavailable?.kind == .systemUnreadable)
        }
    }

    #if os(Linux)
    @Test("This machine has memory")
    func real() async throws {
        let device = try #require(await HostProbe().devices().devices.first)
        #expect(device.totalBytes > 0)
        #expect(device.freeBytes > 0)
    }
    #endif
}
