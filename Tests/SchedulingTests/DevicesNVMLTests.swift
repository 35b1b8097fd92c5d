import Foundation
import Synchronization
import Tasks
import TestSupport
import Testing

@testable import Scheduling

@Suite("GPUs through NVML")
struct DevicesNVMLTests {
    @Test("The structures have the layout of the header")
    func layout() {
        #expect(MemoryLayout<NVML.Memory>.size == 24)
        #expect(MemoryLayout<NVML.Utilization>.size == 8)
        #expect(MemoryLayout<NVML.ProcessInfo>.stride == 24)
        #expect(MemoryLayout<NVML.ProcessInfo>.offset(of: \.usedGpuMemory) == 8)
        #expect(MemoryLayout<NVML.ProcessInfo>.offset(of: \.gpuInstanceId) == 16)
        #expect(MemoryLayout<NVML.ProcessInfo>.offset(of: \.computeInstanceId) == 20)
    }

    @Test("Everything that is known of a GPU is in the report")
    func facts() async throws {
        let answers = [
            "count": "2", "1.name": "NVIDIA A100-SXM4-80GB", "1.uuid": "GPU-1b", "1.total": "85899345920",
            "1.free": "1000", "1.utilisation": "99", "1.temperature": "61", "1.processes": "3",
        ]
        let report = try await report(answers)
        #expect(report.devices.map(\.id) == ["cuda:0", "cuda:1"])
        #expect(
            report.devices.last
                == DeviceSnapshot(
                    id: "cuda:1",
                    uuid: "GPU-1b",
                    name: "NVIDIA A100-SXM4-80GB",
                    totalBytes: 85_899_345_920,
                    freeBytes: 1000,
                    utilisation: 0.99,
                    temperatureCelsius: 61,
                    processes: [
                        .init(processID: 100, usedBytes: 1000), .init(processID: 101, usedBytes: nil),
                        .init(processID: 102, usedBytes: 3000),
                    ]
                )
        )
    }

    @Test("CUDA_VISIBLE_DEVICES chooses and numbers")
    func visible() async throws {
        let answers = ["count": "4"]
        #expect(try await report(answers, visible: "3,1").devices.map(\.uuid) == ["GPU-3-0", "GPU-1-0"])
        #expect(try await report(answers, visible: "3,1").devices.map(\.id) == ["cuda:0", "cuda:1"])
        #expect(try await report(answers, visible: "GPU-2,GPU-0").devices.map(\.uuid) == ["GPU-2-0", "GPU-0-0"])
        #expect(try await report(answers, visible: "").devices.isEmpty)
        #expect(try await report(answers, visible: "").unavailable == nil)
    }

    @Test("Without a library the report is empty and says why; one that is none is told apart")
    func noLibrary() async throws {
        try await withTemporaryDirectory { folder in
            let missing = NVMLProbe(settings: .init(library: folder + "/libnone.so.1", visibleDevices: nil))
            let report = await missing.devices()
            #expect(report.devices.isEmpty)
            #expect(report.unavailable?.kind == .notInstalled)

            let text = folder + "/text.so"
            try Data("no library".utf8).write(to: URL(filePath: text))
            let unusable = NVMLProbe(settings: .init(library: text, visibleDevices: nil))
            #expect(await unusable.devices().unavailable?.kind == .libraryUnusable)

            let empty = NVMLProbe(
                settings: .init(library: try NVMLStub(in: folder, kind: .almostEmpty).path, visibleDevices: nil)
            )
            let obstacle = try #require(await empty.devices().unavailable)
            #expect(obstacle.kind == .libraryUnusable)
            #expect(obstacle.message.contains("nvmlShutdown"))
        }
    }

    @Test("An old library does without what it cannot tell")
    func oldLibrary() async throws {
        try await withTemporaryDirectory { folder in
            let stub = try NVMLStub(in: folder, kind: .old, ["count": "1"])
            let report = await NVMLProbe(settings: .init(library: stub.path, visibleDevices: nil)).devices()
            let device = try #require(report.devices.first)
            #expect(device.isPresent)
            #expect(device.totalBytes == 80 << 30)
            #expect(device.utilisation == nil && device.temperatureCelsius == nil && device.processes.isEmpty)
        }
    }

    @Test("A driver that cannot be reached is asked again after the pause, and not before")
    func reconnecting() async throws {
        try await withTemporaryDirectory { folder in
            let stub = try NVMLStub(in: folder, ["init": "18", "count": "1"])
            let clock = ManualClock()
            let probe = NVMLProbe(settings: .init(library: stub.path, visibleDevices: nil), clock: clock)
            let obstacle = try #require(await probe.devices().unavailable)
            #expect(obstacle.kind == .driverUnusable)
            #expect(obstacle.message.contains("different versions"))

            try stub.answer(["count": "1"])
            clock.advance(by: .seconds(29))
            #expect(await probe.devices().unavailable == obstacle)
            clock.advance(by: .seconds(1))
            #expect(await probe.devices().devices.first?.isPresent == true)
            #expect(await probe.devices().unavailable == nil)
        }
    }

    @Test(
        "What a GPU answers with is told apart",
        arguments: [
            (["1.error": "15"], "gpu_lost"),
            (["1.handle.error": "15"], "gpu_lost"),
            (["1.error": "16"], "gpu_needs_reset"),
            (["1.memory.error": "999"], "gpu_unreadable"),
            (["1.temperature.error": "15"], "gpu_lost"),
            (["1.null": "1"], "gpu_unreadable"),
        ]
    )
    func failures(answers: [String: String], code: String) async throws {
        let report = try await report(["count": "3"].merging(answers) { $1 })
        #expect(report.devices.map(\.isPresent) == [true, false, true])
        guard case .lost(code, _) = report.devices[1].state else {
            Issue.record("\(report.devices[1].state)")
            return
        }
    }

    @Test("What a GPU does not support is unknown and no failure", arguments: ["3", "13", "999"])
    func unsupported(status: String) async throws {
        let names = ["name", "uuid", "utilisation", "temperature", "processes"]
        var answers = Dictionary(uniqueKeysWithValues: names.map { ("0.\($0).error", status) })
        answers["0.memory.error"] = "3"
        answers["count"] = "1"
        let device = try #require(try await report(answers).devices.first)
        #expect(device == DeviceSnapshot(id: "cuda:0", name: "NVIDIA GPU", totalBytes: 0, freeBytes: 0))
    }

    @Test("A GPU that belongs to somebody else has no number")
    func foreign() async throws {
        let report = try await report(["count": "3", "0.handle.error": "4"], visible: "1")
        #expect(report.devices.map(\.uuid) == ["GPU-2-0"])
    }

    @Test("Lies do no harm: more free than there is, impossible numbers, texts without end")
    func lies() async throws {
        let answers = [
            "count": "4294967295", "0.total": "100", "0.free": "200", "0.utilisation": "4294967295",
            "0.temperature": "4294967295", "0.processes": "2", "0.processes.count": "4294967295",
            "1.total": "18446744073709551615", "1.free": "18446744073709551615", "1.endless": "1",
            "2.name": "A\u{1B}[31m\u{7}", "3.processes": "4000000",
        ]
        let devices = try await report(answers).devices
        #expect(devices.count == 256)
        let liar = devices[0]
        #expect((liar.totalBytes, liar.freeBytes, liar.utilisation, liar.temperatureCelsius) == (100, 100, 1, nil))
        #expect(liar.processes.count <= 1024)
        #expect(devices[1].totalBytes == .max)
        #expect(devices[1].name == String(repeating: "x", count: 96))
        #expect(devices[2].name == "A[31m")
        #expect(devices[3].isPresent)
    }

    @Test("A driver that hangs costs its time limit once; everything is lost until it answers")
    func hanging() async throws {
        try await withTemporaryDirectory { folder in
            let stub = try NVMLStub(in: folder, ["count": "2"])
            let clock = ManualClock()
            let settings = NVMLProbe.Settings(library: stub.path, visibleDevices: nil, timeLimit: .seconds(10))
            let probe = NVMLProbe(settings: settings, clock: clock)
            #expect(await probe.devices().devices.allSatisfy { $0.isPresent })

            try stub.answer(["count": "2", "hang": "1"])
            async let late = probe.devices()
            await clock.waitForSleepers(1)
            clock.advance(by: .seconds(10))
            let report = await late
            #expect(report.unavailable?.kind == .notResponding)
            #expect(report.devices.map(\.id) == ["cuda:0", "cuda:1"])
            #expect(report.devices.allSatisfy { $0.totalBytes == 80 << 30 && !$0.isPresent })
            // The same look is still under way: nobody waits for it a second time.
            clock.advance(by: .seconds(50))
            #expect(await probe.devices().unavailable?.message.contains("60 s") == true)

            try stub.answer(["count": "2"])
            try await eventually { await probe.devices().unavailable == nil }
            #expect(await probe.devices().devices.allSatisfy { $0.isPresent })
        }
    }

    @Test("Whoever gives up waiting for a driver that hangs is answered at once")
    func cancelled() async throws {
        try await withTemporaryDirectory { folder in
            let stub = try NVMLStub(in: folder, ["hang": "1"])
            let clock = ManualClock()
            let probe = NVMLProbe(settings: .init(library: stub.path, visibleDevices: nil), clock: clock)
            let task = Task { await probe.devices() }
            await clock.waitForSleepers(1)
            task.cancel()
            #expect(await task.value.unavailable?.kind == .notResponding)
            try stub.answer([:])
            try await eventually { await probe.devices().unavailable == nil }
        }
    }

    @Test("A partition is a device with the memory of its own, and the only one")
    func partitions() async throws {
        let answers = [
            "count": "2", "1.parts": "2", "1.temperature": "55", "1/1.uuid": "MIG-1", "1/2.uuid": "MIG-2",
            "1/2.total": "20000", "1/2.free": "10000", "1/2.name": "NVIDIA A100 MIG 2g.20gb",
        ]
        #expect(try await report(answers).devices.map(\.uuid) == ["MIG-1"])
        #expect(try await report(answers, visible: "0").devices.map(\.uuid) == ["GPU-0-0"])
        #expect(
            try await report(answers, visible: "MIG-2").devices == [
                DeviceSnapshot(
                    id: "cuda:0",
                    uuid: "MIG-2",
                    name: "NVIDIA A100 MIG 2g.20gb",
                    totalBytes: 20_000,
                    freeBytes: 10_000,
                    temperatureCelsius: 55
                )
            ]
        )
        #expect(try await report(["count": "1", "0.parts": "0"]).devices.isEmpty)
    }

    private func report(_ answers: [String: String], visible: String? = nil) async throws -> DeviceReport {
        try await withTemporaryDirectory { folder in
            let stub = try NVMLStub(in: folder, answers)
            return await NVMLProbe(settings: .init(library: stub.path, visibleDevices: visible)).devices()
        }
    }

    /// Asks until it is so: the thread that asks the driver ends when the driver lets it.
    private func eventually(_ condition: () async -> Bool) async throws {
        let end = ContinuousClock.now + .seconds(30)
        while await !condition() {
            try #require(ContinuousClock.now < end, "it has not come to that")
            try await Task.sleep(for: .milliseconds(2))
        }
    }
}
