import Engine
import Foundation
import Logging
import Scheduling
import Tasks

/// Looks at everything a server needs on this machine.
struct Examination {
    /// A device as the engine's `devices` command has it.
    struct EngineDevice: Decodable {
        var id: String
        var name: String
        var totalMemoryBytes: Int64?
    }

    /// What the engine's `devices` command says.
    private struct Installation: Decodable {
        var python: String
        var packages: [String: String?]
        var missing: [String]
        var devices: [EngineDevice]
    }

    /// What a log would say is in the findings.
    static let quiet = Logger(label: "animato.doctor") { _ in SwiftLogNoOpLogHandler() }

    /// A first start asks Python for torch, which reads hundreds of megabytes.
    private static let timeLimit: Duration = .seconds(120)

    let configuration: ServerConfiguration
    private let monitor: DeviceMonitor
    /// Those that the installation told of.
    private var devices: [EngineDevice] = []
    /// What can be made here, and where.
    private(set) var abilities: [Ability] = []

    init(configuration: ServerConfiguration) {
        self.configuration = configuration
        monitor = DeviceMonitor(
            probes: [HostProbe(), NVMLProbe()],
            logger: Self.quiet
        )
    }

    /// Every finding, in the order in which a person would mend them.
    mutating func findings() async -> [Finding] {
        // How busy a processor is shows between two looks: the engine's answer takes a while.
        await monitor.look()
        var findings = await installation()
        await monitor.look()
        findings += DeviceFindings(engine: devices, seen: monitor.latest).findings
        if findings.first?.verdict == .ok {
            for model in configuration.engine.models { findings += await examine(model) }
        }
        findings += await MachineFindings(configuration: configuration).findings()
        return findings + (await StoreFindings(configuration: configuration).findings())
    }

    private mutating func installation() async -> [Finding] {
        do throws(EngineFault) {
            let output = try await inspection.devices()
            let decoder = JSONDecoder()
            decoder.keyDecodingStrategy = .convertFromSnakeCase
            guard let found = try? decoder.decode(Installation.self, from: Data(output.utf8)) else {
                return [Finding(.missing, "Python", "the engine's answer cannot be read")]
            }
            self.devices = found.devices
            return [python(found), packages(found)]
        } catch {
            let text = "\(configuration.engine.python): \(error.message) Run `make setup`, or set engine.python."
            return [Finding(.missing, "Python", text)]
        }
    }

    private func python(_ found: Installation) -> Finding {
        Finding(.ok, "Python", "\(found.python) (\(configuration.engine.python))")
    }

    private func packages(_ found: Installation) -> Finding {
        guard found.missing.isEmpty else {
            let names = found.missing.joined(separator: ", ")
            return Finding(.missing, "packages", "there is no \(names). Run `make setup`.")
        }
        let versions = found.packages.sorted { $0.key < $1.key }.compactMap { name, version in
            version.map { "\(name) \($0)" }
        }
        return Finding(.ok, "packages", versions.joined(separator: ", "))
    }

    private mutating func examine(_ model: String) async -> [Finding] {
        do throws(EngineFault) {
            let output = try await inspection.describe(model: model)
            guard let found = try? JSONDecoder().decode(EngineModel.self, from: Data(output.utf8)) else {
                return [Finding(.missing, "model", "\(model): its description cannot be read")]
            }
            let modes = found.memoryModes.map(\.rawValue).joined(separator: ", ")
            let facts = ["\(found.weightBytes / 1_000_000) MB", "memory modes \(modes)"] + found.inputs.map(\.rawValue)
            let text = "\(found.name) (\(model)), \(facts.joined(separator: ", "))"
            let here = devices.compactMap { ability(of: $0, for: found) }
            abilities += here
            return [Finding(.ok, "model", text)] + here.compactMap(\.finding)
        } catch {
            let text = "\(model): \(error.message) Run `make setup`, or set engine.models."
            return [Finding(.missing, "model", text)]
        }
    }

    /// What a device can make with a model; `nil` for one that is not used.
    private func ability(of device: EngineDevice, for model: EngineModel) -> Ability? {
        guard device.id != "cpu" || devices.count == 1 else { return nil }
        let lines = device.totalMemoryBytes.map { MemoryOverview(of: model, memoryBytes: $0).lines } ?? []
        return Ability(model: model.name, device: device.id, shapes: lines)
    }

    /// The first device's settings serve for looking as well.
    private var inspection: EngineInspection {
        EngineInspection(settings: configuration.mediaSettings, timeLimit: Self.timeLimit)
    }

    static func gibibytes(_ bytes: Int64) -> String {
        String(format: "%.1f GiB", Double(bytes) / Double(1 << 30))
    }
}
