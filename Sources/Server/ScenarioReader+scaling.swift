import Scheduling
import Simulation
import Tasks

extension ScenarioReader {
    /// That devices come and go; what is not said of the policy is as the settings have it.
    ///
    /// - Parameters:
    ///   - map: the file.
    ///   - fleet: what it says of devices.
    ///   - policy: of the settings.
    /// - Returns: `nil`: all devices are always there.
    func scaling(_ map: YAMLMap, of fleet: [DeviceGroup], _ policy: WorkerScalingPolicy) -> DeviceScaling? {
        let keys = ["of", "target_wait", "minimum", "maximum", "stabilisation", "start", "interval"]
        guard let map = map.map("scaling", keys: keys) else { return nil }
        let names = fleet.map(\.name)
        let name = map.text("of", otherwise: names.first)
        let group = names.firstIndex(of: name)
        if group == nil, !names.isEmpty {
            map.faults.add(map.path("of"), "must be one of " + names.joined(separator: ", "))
        }
        let count = min(max(fleet.reduce(0) { $0 + $1.count }, 1), 100_000)
        let minimum = map.integer("minimum", 0...100_000, otherwise: policy.minimum)
        let maximum = map.integer("maximum", 1...100_000, otherwise: max(count, minimum))
        if maximum < minimum { map.faults.add(map.path("maximum"), "must not be less than minimum") }
        return DeviceScaling(
            group: group ?? 0,
            policy: WorkerScalingPolicy(
                targetWait: .seconds(
                    map.number("target_wait", 1...Self.maximumSeconds, otherwise: policy.targetWait.inSeconds)
                ),
                minimum: minimum,
                maximum: maximum,
                stabilisation: .seconds(
                    map.number("stabilisation", 0...Self.maximumSeconds, otherwise: policy.stabilisation.inSeconds)
                )
            ),
            startSeconds: map.number("start", 0...Self.maximumSeconds, otherwise: 180),
            interval: map.number("interval", 1...86_400, otherwise: 15)
        )
    }
}
