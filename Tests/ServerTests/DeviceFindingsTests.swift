import Scheduling
import Testing

@testable import Server

@Suite("What the doctor says of devices")
struct DeviceFindingsTests {
    private let cpu = Examination.EngineDevice(id: "cpu", name: "Some CPU", totalMemoryBytes: 8 << 30)
    private let gpu = Examination.EngineDevice(id: "cuda:0", name: "NVIDIA A100", totalMemoryBytes: 80 << 30)
    private let seen = DeviceSnapshot(
        id: "cuda:0",
        name: "NVIDIA A100",
        totalBytes: 80 << 30,
        freeBytes: 20 << 30,
        utilisation: 0.995,
        temperatureCelsius: 61,
        processes: [.init(processID: 7, usedBytes: nil)]
    )

    private func lines(_ engine: [Examination.EngineDevice], _ report: DeviceReport) -> [String] {
        DeviceFindings(engine: engine, seen: report).findings.map { $0.line() }
    }

    @Test("A GPU is told with its memory, how busy it is, and who uses it")
    func good() {
        let host = DeviceSnapshot(id: "cpu", name: "cpu", totalBytes: 8 << 30, freeBytes: 4 << 30, utilisation: 0.5)
        #expect(
            lines([cpu, gpu], DeviceReport(devices: [host, seen])) == [
                "✓ ok       device cpu: Some CPU, 4.0 GiB free of 8.0 GiB, 50 % busy",
                "✓ ok       device cuda:0: NVIDIA A100, 20.0 GiB free of 80.0 GiB, 100 % busy, 61 °C, used by 1 process",
            ]
        )
    }

    @Test("What the probe cannot see is told as the engine has it")
    func engineOnly() {
        #expect(lines([cpu], DeviceReport()) == ["✓ ok       device cpu: Some CPU, 8.0 GiB of memory"])
    }

    @Test("A lost GPU, one that no engine can use and one that is numbered otherwise are wrong")
    func wrong() {
        var lost = seen
        lost.state = .lost(code: "gpu_lost", message: "the GPU has fallen off the bus")
        let lostLine = "✗ missing  device cuda:0: NVIDIA A100 is lost: the GPU has fallen off the bus"
        #expect(lines([gpu], DeviceReport(devices: [lost])) == [lostLine])
        #expect(lines([cpu], DeviceReport(devices: [lost])).last == lostLine)
        #expect(
            lines([cpu], DeviceReport(devices: [seen])).last
                == "✗ missing  device cuda:0: NVIDIA A100 is there, but no engine can use it: is torch built for CUDA?"
        )
        var other = seen
        other.name = "NVIDIA L4"
        #expect(lines([gpu], DeviceReport(devices: [other])).first?.contains("CUDA_DEVICE_ORDER=PCI_BUS_ID") == true)
    }

    @Test("No driver is no fault, unless there is a GPU; a driver that cannot be used is one")
    func driver() {
        let none = DeviceReport(unavailable: .init(kind: .notInstalled, message: "no such library"))
        #expect(lines([cpu], none).last == "✓ ok       driver: no NVIDIA GPU (no such library)")
        #expect(lines([gpu], none).last == "✗ missing  driver: no such library")
        let broken = DeviceReport(unavailable: .init(kind: .driverUnusable, message: "not loaded"))
        #expect(lines([cpu], broken).last == "✗ missing  driver: not loaded")
    }

    @Test("Where the engine gives no answer, nobody says that it cannot use a GPU")
    func noEngine() {
        #expect(lines([], DeviceReport(devices: [seen])).isEmpty)
    }
}
