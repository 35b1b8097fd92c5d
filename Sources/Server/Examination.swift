import Engine
import Foundation
import Scheduling
import Tasks

/// Looks at everything a server needs on this machine.
struct Examination {
    /// One thing that was looked at.
    struct Finding: Equatable {
        var isGood: Bool
        var subject: String
        /// What is there, or what is wrong and what to do.
        var verdict: String

        var line: String { "\(isGood ? "ok " : "NO ") \(subject): \(verdict)" }
    }

    /// What the engine's `devices` command says.
    private struct Installation: Decodable {
        struct Device: Decodable {
            var id: String
            var name: String
            var totalMemoryBytes: Int64?
        }

        var python: String
        var packages: [String: String?]
        var missing: [String]
        var devices: [Device]
    }

    /// A first start asks Python for torch, which reads hundreds of megabytes.
    private static let timeLimit: Duration = .seconds(120)
    /// Below this a server would soon be unable to keep a video.
    private static let leastFreeBytes: Int64 = 1 << 30

    let configuration: ServerConfiguration
    /// Those that the installation told of.
    private var devices: [Installation.Device] = []

    init(configuration: ServerConfiguration) {
        self.configuration = configuration
    }

    /// Every finding, in the order in which a person would mend them.
    mutating func findings() async -> [Finding] {
        var findings = await installation()
        if findings.first?.isGood == true {
            for model in configuration.engine.models { findings += await examine(model) }
        }
        findings.append(disk())
        return findings
    }

    private mutating func installation() async -> [Finding] {
        do throws(EngineFault) {
            let output = try await inspection.devices()
            let decoder = JSONDecoder()
            decoder.keyDecodingStrategy = .convertFromSnakeCase
            guard let found = try? decoder.decode(Installation.self, from: Data(output.utf8)) else {
                return [Finding(isGood: false, subject: "Python", verdict: "the engine's answer cannot be read")]
            }
            self.devices = found.devices
            return [python(found), packages(found)] + devices(found)
        } catch {
            return [
                Finding(
                    isGood: false,
                    subject: "Python",
                    verdict: "\(configuration.engine.python): \(error.message) Run `make setup`, or set engine.python."
                )
            ]
        }
    }

    private func python(_ found: Installation) -> Finding {
        Finding(isGood: true, subject: "Python", verdict: "\(found.python) (\(configuration.engine.python))")
    }

    private func packages(_ found: Installation) -> Finding {
        guard found.missing.isEmpty else {
            let names = found.missing.joined(separator: ", ")
            return Finding(isGood: false, subject: "packages", verdict: "\(names) missing. Run `make setup`.")
        }
        let versions = found.packages.sorted { $0.key < $1.key }.compactMap { name, version in
            version.map { "\(name) \($0)" }
        }
        return Finding(isGood: true, subject: "packages", verdict: versions.joined(separator: ", "))
    }

    private func devices(_ found: Installation) -> [Finding] {
        found.devices.map { device in
            let memory = device.totalMemoryBytes.map { ", \(Self.gibibytes($0)) of memory" } ?? ""
            return Finding(isGood: true, subject: "device \(device.id)", verdict: device.name + memory)
        }
    }

    private func examine(_ model: String) async -> [Finding] {
        do throws(EngineFault) {
            let output = try await inspection.describe(model: model)
            guard let found = try? JSONDecoder().decode(EngineModel.self, from: Data(output.utf8)) else {
                return [Finding(isGood: false, subject: "model", verdict: "\(model): its description cannot be read")]
            }
            let modes = found.memoryModes.map(\.rawValue).joined(separator: ", ")
            let facts = ["\(found.weightBytes / 1_000_000) MB", "memory modes \(modes)"] + found.inputs.map(\.rawValue)
            let verdict = "\(found.name) (\(model)), \(facts.joined(separator: ", "))"
            return [Finding(isGood: true, subject: "model", verdict: verdict)]
                + devices.compactMap { memory(of: $0, for: found) }
        } catch {
            return [Finding(isGood: false, subject: "model", verdict: "\(model): \(error.message)")]
        }
    }

    /// What a device can make with a model; `nil` if nothing is known.
    private func memory(of device: Installation.Device, for model: EngineModel) -> Finding? {
        guard let bytes = device.totalMemoryBytes, device.id != "cpu" || devices.count == 1 else { return nil }
        let lines = MemoryOverview(of: model, memoryBytes: bytes).lines.map { line in
            "\(line.width)x\(line.height)x\(line.numFrames) \(line.mode ?? "does not fit")"
        }
        guard !lines.isEmpty else { return nil }
        return Finding(isGood: true, subject: "\(model.name) on \(device.id)", verdict: lines.joined(separator: ", "))
    }

    private func disk() -> Finding {
        let path = configuration.dataDirectory
        let manager = FileManager.default
        do {
            try manager.createDirectory(atPath: path, withIntermediateDirectories: true)
            let attributes = try manager.attributesOfFileSystem(forPath: path)
            let free = (attributes[.systemFreeSize] as? NSNumber)?.int64Value ?? 0
            let verdict = "\(Self.gibibytes(free)) free in \(path)"
            guard free >= Self.leastFreeBytes else {
                return Finding(isGood: false, subject: "disk", verdict: verdict + ". Make room, or set data.directory.")
            }
            return Finding(isGood: true, subject: "disk", verdict: verdict)
        } catch {
            return Finding(isGood: false, subject: "disk", verdict: "\(path): \(error.localizedDescription)")
        }
    }

    /// The first device's settings serve for looking as well.
    private var inspection: EngineInspection {
        EngineInspection(settings: configuration.mediaSettings, timeLimit: Self.timeLimit)
    }

    private static func gibibytes(_ bytes: Int64) -> String {
        String(format: "%.1f GiB", Double(bytes) / Double(1 << 30))
    }
}
