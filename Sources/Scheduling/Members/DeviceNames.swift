import Tasks

/// The devices of the whole deployment, and what each is called.
///
/// Alone, a process calls its devices by their own names; where there are others as well, the machine comes first.
extension Deployment {
    /// Where a device is.
    enum Place: Sendable, Equatable {
        /// Of this process, under its own name.
        case here(String)
        /// Of another process, under its own name.
        case elsewhere(WorkerID, String)
    }

    /// All devices as they are shown.
    ///
    /// - Parameters:
    ///   - own: those of this process, under their own names.
    ///   - now: monotonic seconds.
    /// - Returns: in the order of the machines' names where there are several processes.
    func statuses(beside own: [DeviceStatus], at now: Double) -> [DeviceStatus] {
        let others = others(at: now)
        guard !others.isEmpty else { return own }
        let names = names(others)
        let ownName = names[identity.id] ?? identity.host
        var groups: [(name: String, devices: [DeviceStatus])] = [
            (
                ownName,
                own.map { status in
                    var status = status
                    status.id = Self.name(status.id, on: ownName)
                    return status
                }
            )
        ]
        for other in others {
            let name = names[other.id] ?? other.report.host
            let devices = other.report.devices.map { device in
                device.status(named: Self.name(device.id, on: name), firstEngine: 0, age: max(0, now - other.seen))
            }
            groups.append((name, devices))
        }
        var statuses = groups.sorted { $0.name < $1.name }.flatMap(\.devices)
        var engine = 0
        for device in statuses.indices {
            for position in statuses[device].engines.indices {
                statuses[device].engines[position].index = engine
                engine += 1
            }
        }
        return statuses
    }

    /// Where the device of a shown name is; `nil` if there is none.
    func place(of shown: String, at now: Double) -> Place? {
        let others = others(at: now)
        guard !others.isEmpty else { return fleet.devices.contains(shown) ? .here(shown) : nil }
        let names = names(others)
        let ownName = names[identity.id] ?? identity.host
        if let device = fleet.devices.first(where: { Self.name($0, on: ownName) == shown }) { return .here(device) }
        for other in others {
            let name = names[other.id] ?? other.report.host
            if let device = other.report.devices.first(where: { Self.name($0.id, on: name) == shown }) {
                return .elsewhere(other.id, device.id)
            }
        }
        return nil
    }

    /// What the machine of each process with devices is called; of two on one machine, with the beginning of their ids.
    private func names(_ others: [MemberBoard.Other]) -> [WorkerID: String] {
        var hosts = others.filter { !$0.report.devices.isEmpty }.map { ($0.id, $0.report.host) }
        if !fleet.devices.isEmpty { hosts.append((identity.id, identity.host)) }
        let counts = Dictionary(hosts.map { ($0.1, 1) }, uniquingKeysWith: +)
        return Dictionary(
            hosts.map { id, host in (id, counts[host] == 1 ? host : "\(host)~\(id.rawValue.prefix(8))") },
            uniquingKeysWith: { first, _ in first }
        )
    }

    private static func name(_ device: String, on host: String) -> String { "\(host)/\(device)" }
}
