import Scheduling

/// What an operator should know of the devices: what they have and how busy they are, and where the engine's view and
/// the driver's differ.
struct DeviceFindings {
    /// Those that an engine could be started on.
    let engine: [Examination.EngineDevice]
    /// What the probes have seen.
    let seen: DeviceReport

    /// The engine's devices in its order, then those that it does not see.
    var findings: [Finding] {
        let unseen = seen.devices.filter { device in !engine.contains { $0.id == device.id } }
        // Without an answer of the engine nobody knows what it would see.
        return engine.map(finding) + (engine.isEmpty ? [] : unseen.map(unseenFinding)) + driver
    }

    private func finding(_ device: Examination.EngineDevice) -> Finding {
        guard let snapshot = seen.devices.first(where: { $0.id == device.id }) else {
            let memory = device.totalMemoryBytes.map { ", \(Examination.gibibytes($0)) of memory" } ?? ""
            return finding(.ok, device.id, device.name + memory)
        }
        if case .lost(_, let message) = snapshot.state {
            return finding(.missing, device.id, "\(device.name) is lost: \(message)")
        }
        // The driver names the processor by nothing but its kind.
        if device.id != "cpu", snapshot.name != device.name {
            let names = "\(device.name) for the engine, \(snapshot.name) for the driver"
            return finding(
                .missing, device.id, "\(names): set CUDA_DEVICE_ORDER=PCI_BUS_ID, or the wrong GPU is watched")
        }
        return finding(.ok, device.id, ([device.name] + facts(snapshot)).joined(separator: ", "))
    }

    private func unseenFinding(_ snapshot: DeviceSnapshot) -> Finding {
        if case .lost(_, let message) = snapshot.state {
            return finding(.missing, snapshot.id, "\(snapshot.name) is lost: \(message)")
        }
        let verdict = "\(snapshot.name) is there, but no engine can use it: is torch built for CUDA?"
        return finding(.missing, snapshot.id, verdict)
    }

    /// What keeps the GPUs from being seen, which is nothing wrong where there are none.
    private var driver: [Finding] {
        guard let obstacle = seen.unavailable else { return [] }
        let hasGPU = engine.contains { $0.id != "cpu" }
        guard obstacle.kind == .notInstalled, !hasGPU else { return [finding(.missing, "driver", obstacle.message)] }
        return [finding(.ok, "driver", "no NVIDIA GPU (\(obstacle.message))")]
    }

    private func facts(_ device: DeviceSnapshot) -> [String] {
        var facts: [String] = []
        if device.totalBytes > 0 {
            let free = Examination.gibibytes(device.freeBytes)
            facts.append("\(free) free of \(Examination.gibibytes(device.totalBytes))")
        }
        if let utilisation = device.utilisation { facts.append("\(Int((utilisation * 100).rounded())) % busy") }
        if let temperature = device.temperatureCelsius { facts.append("\(temperature) °C") }
        if !device.processes.isEmpty {
            facts.append("used by \(device.processes.count == 1 ? "1 process" : "\(device.processes.count) processes")")
        }
        return facts
    }

    private func finding(_ verdict: Finding.Verdict, _ subject: String, _ text: String) -> Finding {
        Finding(verdict, subject == "driver" ? subject : "device \(subject)", text)
    }
}
