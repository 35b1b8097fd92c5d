import Foundation
import Tasks
import TestSupport
import Testing

@testable import Scheduling

@Suite("Probes of devices")
struct DevicesProbeTests {
    enum Implementation: String, CaseIterable {
        case nvml
        case host
        case scripted
    }

    @Test("Keeps the contract", arguments: Implementation.allCases, DeviceProbeConformance.all)
    func conformance(implementation: Implementation, behaviour: DeviceProbeConformance) async throws {
        try await withTemporaryDirectory { folder in
            let world =
                switch implementation {
                case .nvml: try Self.nvml(folder)
                case .host: try Self.host(folder)
                case .scripted: Self.scripted()
                }
            try await behaviour.check(world)
        }
    }

    private static func nvml(_ folder: String) throws -> DeviceProbeWorld {
        let stub = try NVMLStub(in: folder, ["count": "3"])
        return DeviceProbeWorld(
            // No pause, so that what has failed is asked again at once.
            probe: NVMLProbe(settings: .init(library: stub.path, visibleDevices: nil, reconnectPause: .zero)),
            count: 3,
            loseLast: { try stub.answer(["count": "3", "2.error": "15"]) },
            restore: { try stub.answer(["count": "3"]) },
            obstruct: { try stub.answer(["count.error": "999", "init": "9"]) }
        )
    }

    private static func host(_ folder: String) throws -> DeviceProbeWorld {
        let machine = try DevicesMachine(in: folder)
        return DeviceProbeWorld(
            probe: HostProbe(root: folder),
            count: 1,
            loseLast: { try machine.remove("proc/meminfo") },
            restore: { try machine.write("proc/meminfo", DevicesMachine.meminfo) },
            obstruct: { try machine.remove("proc/meminfo") }
        )
    }

    private static func scripted() -> DeviceProbeWorld {
        let probe = ScriptedProbe(
            ["cuda:0", "cuda:1"].map { DeviceSnapshot(id: $0, name: "Stub", totalBytes: 10, freeBytes: 20) }
        )
        return DeviceProbeWorld(
            probe: probe,
            count: 2,
            loseLast: { probe.set(.lost(code: "gpu_lost", message: "gone"), of: "cuda:1") },
            restore: { probe.set(.present, of: "cuda:1") },
            obstruct: { probe.obstruct(.init(kind: .driverUnusable, message: "gone")) }
        )
    }
}

/// The files of a Linux machine that a `HostProbe` reads.
struct DevicesMachine: Sendable {
    static let meminfo = """
        MemTotal:       16000000 kB
        MemFree:         1000000 kB
        MemAvailable:    8000000 kB

        """

    let folder: String

    init(in folder: String) throws {
        self.folder = folder
        try write("proc/meminfo", Self.meminfo)
        try write("proc/stat", Self.stat(busy: 100, idle: 900))
    }

    static func stat(busy: Int, idle: Int, waiting: Int = 0) -> String {
        // The fields after the eighth are parts of the first two.
        "cpu  \(busy) 0 0 \(idle) \(waiting) 0 0 0 77 77\ncpu0 1 1 1 1 1 1 1 1 1 1\nintr 1\n"
    }

    func write(_ name: String, _ text: String) throws {
        let url = URL(filePath: folder + "/" + name)
        try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: url)
    }

    func remove(_ name: String) throws {
        try FileManager.default.removeItem(atPath: folder + "/" + name)
    }
}
