import Foundation
import Scheduling
import Simulation
import Tasks
import TasksSQLite
import Yams

/// Reads a scenario for `animato simulate`, and says everything that is wrong with it at once.
///
/// The format is described in `docs/capacity.md`.
struct ScenarioReader {
    /// What a file says.
    struct Contents: Sendable {
        var scenario: Scenario
        /// What is looked for; `nil`: the scenario is simulated once, as it is.
        var search: Search?
    }

    /// More than ten years are no plan.
    static let maximumSeconds = 3.2e8
    private static let keys = [
        "seed", "noise", "duration", "drain", "warm_up", "fleet", "traffic", "settings", "scaling", "find",
    ]

    let faults = YAMLMap.Faults()

    /// Reads a file.
    ///
    /// - Parameter path: of the file.
    /// - Returns: what it says.
    /// - Throws: every fault at once.
    static func read(file path: String) throws(SettingsReader.Faults) -> Contents {
        let text: String
        do {
            text = try String(contentsOfFile: path, encoding: .utf8)
        } catch {
            let message = "cannot be read: \(error.localizedDescription)"
            throw SettingsReader.Faults(faults: [.init(source: path, message: message)])
        }
        return try read(text, name: path)
    }

    /// Reads a text.
    ///
    /// - Parameters:
    ///   - text: YAML.
    ///   - name: of the text, for faults of the whole.
    /// - Returns: what it says.
    /// - Throws: every fault at once.
    static func read(_ text: String, name: String) throws(SettingsReader.Faults) -> Contents {
        let root: Node?
        do {
            root = try Yams.compose(yaml: text)
        } catch {
            throw SettingsReader.Faults(faults: [.init(source: name, message: "not valid YAML: \(error)")])
        }
        guard let root else {
            throw SettingsReader.Faults(faults: [.init(source: name, message: "is empty")])
        }
        let reader = ScenarioReader()
        let contents = reader.contents(YAMLMap(root, path: "", keys: keys, faults: reader.faults))
        guard reader.faults.all.isEmpty else { throw SettingsReader.Faults(faults: reader.faults.all) }
        return contents
    }

    private func contents(_ map: YAMLMap) -> Contents {
        let fleet = fleet(map)
        let traffic = traffic(map)
        let seconds = map.has("duration") ? map.number("duration", 1...Self.maximumSeconds) : nil
        if seconds == nil {
            for (index, group) in traffic.enumerated() where group.total == nil {
                faults.add("traffic[\(index)].total", "is missing, as is duration: it would never end")
            }
        }
        let settings = settings(map)
        let scenario = Scenario(
            fleet: fleet,
            traffic: traffic,
            // Without a time nothing says when to stop but the end of the work.
            end: .init(seconds: seconds, isDrained: map.bool("drain", otherwise: seconds == nil)),
            warmUp: map.number("warm_up", 0...Self.maximumSeconds, otherwise: 0),
            settings: settings.scheduling,
            aging: settings.store.aging,
            noise: map.number("noise", 0...2, otherwise: 0),
            seed: UInt64(map.integer("seed", 0...Int.max, otherwise: 1)),
            scaling: scaling(map, of: fleet, settings.scheduling.workers)
        )
        return Contents(scenario: scenario, search: search(map, in: scenario))
    }

    /// The settings of the server, as its own reader reads them.
    private func settings(_ map: YAMLMap) -> ServerConfiguration {
        guard let node = map.node("settings") else { return ServerConfiguration() }
        let (configuration, found) = SettingsReader.read(node, at: map.path("settings"))
        for fault in found { faults.add(fault.source, fault.message) }
        return configuration
    }

    // MARK: Devices

    private func fleet(_ map: YAMLMap) -> [DeviceGroup] {
        let keys = ["name", "count", "kind", "memory_gb", "speed", "price_per_hour", "engines_per_device"]
        let groups = map.maps("fleet", keys: keys).map { map in
            let kind = map.text("kind")
            return DeviceGroup(
                name: map.text("name", otherwise: kind),
                count: map.integer("count", 1...100_000),
                kind: kind,
                memoryBytes: Int64(map.number("memory_gb", 1...10_000) * 1e9),
                speed: map.number("speed", 0.001...1000, otherwise: 1),
                pricePerHour: map.has("price_per_hour") ? map.number("price_per_hour", 0...1e6) : nil,
                enginesPerDevice: map.integer("engines_per_device", 1...16, otherwise: 1)
            )
        }
        refuseTwins(groups.map(\.name), of: "fleet")
        if groups.reduce(0, { $0 + $1.count }) > 100_000 { faults.add("fleet", "has more than 100000 devices") }
        return groups
    }

    /// Names stand for groups in the report and in `find`.
    func refuseTwins(_ names: [String], of list: String) {
        for (index, name) in names.enumerated() where names[..<index].contains(name) {
            faults.add("\(list)[\(index)].name", "\"\(name)\" is the name of another group")
        }
    }

    // MARK: What is looked for

    private func search(_ map: YAMLMap, in scenario: Scenario) -> Search? {
        let keys = ["least", "of", "from", "to", "step", "wait", "percentile", "max_refused"]
        guard let map = map.map("find", keys: keys) else { return nil }
        let quantity = map.choice("least", ["count", "repeats"])
        let name = map.text("of")
        let names = quantity == "count" ? scenario.fleet.map(\.name) : scenario.traffic.map(\.name)
        let index = names.firstIndex(of: name)
        if index == nil { map.faults.add(map.path("of"), "must be one of " + names.joined(separator: ", ")) }
        let range = quantity == "count" ? 1...100_000.0 : 0...1
        let from = map.number("from", range)
        let to = map.number("to", range)
        if from >= to { map.faults.add(map.path("to"), "must be more than from") }
        let step = map.number("step", 1e-9...100_000)
        if quantity == "count", step != step.rounded() || from != from.rounded() {
            map.faults.add(map.path("step"), "must be a whole number of devices, and from too")
        }
        return Search(
            quantity: quantity == "count" ? .count(ofDevices: index ?? 0) : .repeats(ofTenants: index ?? 0),
            from: from,
            to: to,
            step: step,
            aim: .init(
                wait: map.number("wait", 0...Self.maximumSeconds),
                percentile: map.number("percentile", 1...100, otherwise: 95) / 100,
                maxRefusedShare: map.number("max_refused", 0...1, otherwise: 0)
            )
        )
    }
}
