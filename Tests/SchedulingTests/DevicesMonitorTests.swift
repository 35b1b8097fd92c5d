import Logging
import ServiceLifecycle
import Synchronization
import Tasks
import TestSupport
import Testing

@testable import Scheduling

@Suite("Watching the devices")
struct DevicesMonitorTests {
    private let gpu = ScriptedProbe([DeviceSnapshot(id: "cuda:0", name: "Stub", totalBytes: 10, freeBytes: 5)])
    private let host = ScriptedProbe([DeviceSnapshot(id: "cpu", name: "cpu", totalBytes: 10, freeBytes: 5)])
    private let clock = ManualClock()

    @Test("Looks at once and then at every interval, and keeps what it saw last")
    func interval() async throws {
        let monitor = DeviceMonitor(probes: [host, gpu], clock: clock, logger: Logger(label: "test"))
        #expect(monitor.latest == DeviceReport())
        let service = Task { try await monitor.run() }
        await clock.waitForSleepers(1)
        #expect(monitor.latest.devices.map(\.id) == ["cpu", "cuda:0"])
        gpu.set(.lost(code: "gpu_lost", message: "gone"), of: "cuda:0")
        clock.advance(by: .seconds(2))
        await clock.waitForSleepers(1)
        #expect(monitor.latest.devices.map(\.isPresent) == [true, false])
        #expect(gpu.looks == 2)
        service.cancel()
        try await service.value
    }

    @Test("Stops when the server does")
    func stops() async throws {
        let monitor = DeviceMonitor(probes: [gpu], clock: clock, logger: Logger(label: "test"))
        let group = ServiceGroup(services: [monitor], logger: Logger(label: "test"))
        let run = Task { try await group.run() }
        await clock.waitForSleepers(1)
        await group.triggerGracefulShutdown()
        try await run.value
    }

    @Test("A probe that hangs does not make the others' reports old")
    func hanging() async throws {
        let slow = HangingProbe()
        let monitor = DeviceMonitor(probes: [slow, gpu], clock: clock, logger: Logger(label: "test"))
        let look = Task { await monitor.look() }
        while monitor.latest.devices.isEmpty { await Task.yield() }
        #expect(monitor.latest.devices.map(\.id) == ["cuda:0"])
        look.cancel()
        await look.value
    }

    @Test("A loss and a return are told once each; an obstacle while it is the same, once")
    func changes() {
        let present = DeviceReport(devices: [DeviceSnapshot(id: "a", name: "a", totalBytes: 1, freeBytes: 1)])
        var lost = present
        lost.devices[0].state = .lost(code: "gpu_lost", message: "gone")
        var obstructed = lost
        obstructed.unavailable = .init(kind: .notResponding, message: "for 10 s")
        var longer = obstructed
        longer.unavailable?.message = "for 20 s"

        #expect(DeviceChange.changes(from: DeviceReport(), to: present).isEmpty)
        #expect(DeviceChange.changes(from: present, to: present).isEmpty)
        let loss = DeviceChange.lost(device: "a", code: "gpu_lost", message: "gone")
        #expect(DeviceChange.changes(from: present, to: lost) == [loss])
        #expect(DeviceChange.changes(from: DeviceReport(), to: lost) == [loss])
        #expect(DeviceChange.changes(from: lost, to: lost).isEmpty)
        #expect(DeviceChange.changes(from: lost, to: present) == [.isBack(device: "a")])
        #expect(
            DeviceChange.changes(from: lost, to: obstructed)
                == [.obstructed(.init(kind: .notResponding, message: "for 10 s"))]
        )
        #expect(DeviceChange.changes(from: obstructed, to: longer).isEmpty)
    }
}

/// Answers when it is cancelled, and not before.
private struct HangingProbe: DeviceProbe {
    func devices() async -> DeviceReport {
        try? await Task.sleep(for: .seconds(600))
        return DeviceReport()
    }
}
