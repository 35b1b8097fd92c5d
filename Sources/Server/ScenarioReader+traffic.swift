import Scheduling
import Simulation
import Tasks
import Yams

extension ScenarioReader {
    private static let keys = [
        "name", "tenants", "weight", "priority", "arrival", "rate", "burst", "in_flight", "think", "total", "shapes",
        "repeats", "degrade", "deterministic",
    ]
    private static let shapeKeys = ["model", "width", "height", "frames", "steps", "guided", "step_cache", "share"]

    /// The tenants of the scenario.
    func traffic(_ map: YAMLMap) -> [TenantGroup] {
        let groups = map.maps("traffic", keys: Self.keys).enumerated().map { index, map in
            let degrade = map.map("degrade", keys: ["share", "min_steps", "min_frames", "min_height"])
            return TenantGroup(
                name: map.text("name", otherwise: "group \(index + 1)"),
                tenants: map.integer("tenants", 1...100_000, otherwise: 1),
                weight: map.number("weight", 0.001...1000, otherwise: 1),
                priority: TaskPriority(rawValue: priority(map)) ?? .normal,
                arrival: arrival(map),
                total: map.has("total") ? map.integer("total", 1...100_000_000) : nil,
                shapes: map.maps("shapes", keys: Self.shapeKeys).map(shape),
                repeats: repeats(map),
                degradableShare: degrade?.number("share", 0...1, otherwise: 1) ?? 0,
                floor: degrade.map(floor) ?? DegradationFloor(),
                deterministicShare: map.number("deterministic", 0...1, otherwise: 0)
            )
        }
        refuseTwins(groups.map(\.name), of: "traffic")
        return groups
    }

    private func priority(_ map: YAMLMap) -> String {
        map.choice("priority", TaskPriority.allCases.map(\.rawValue), otherwise: TaskPriority.normal.rawValue)
    }

    private func arrival(_ map: YAMLMap) -> TenantGroup.Arrival {
        let kind = map.choice("arrival", ["poisson", "constant", "burst", "at_once", "closed"], otherwise: "poisson")
        let needed: [String: [String]] = [
            "poisson": ["rate"], "constant": ["rate"], "burst": ["rate", "burst"], "closed": ["in_flight", "think"],
        ]
        for key in ["rate", "burst", "in_flight", "think"] where map.has(key) && needed[kind]?.contains(key) != true {
            faults.add(map.path(key), "means nothing with arrival: \(kind)")
        }
        func rate() -> Double { map.number("rate", 1e-6...1e6) }
        switch kind {
        case "constant": return .constant(rate: rate())
        case "burst": return .burst(rate: rate(), size: map.integer("burst", 1...1_000_000))
        case "at_once":
            if !map.has("total") { faults.add(map.path("total"), "is missing: how many come at once") }
            return .atOnce
        case "closed":
            return .closed(
                inFlight: map.integer("in_flight", 1...10_000, otherwise: 1),
                thinkSeconds: map.number("think", 0...1e7, otherwise: 0)
            )
        default: return .poisson(rate: rate())
        }
    }

    private func shape(_ map: YAMLMap) -> ShapeShare {
        let models = PublishedModels.all.map(\.name)
        let levels = StepCacheLevel.allCases.map(\.rawValue)
        let limits = PublishedModels.limits
        let shape = VideoShape(
            width: map.integer("width", limits.width),
            height: map.integer("height", limits.height),
            numFrames: map.integer("frames", limits.frames)
        )
        let multiple = limits.sizeMultiple
        for (key, side) in [("width", shape.width), ("height", shape.height)] where !side.isMultiple(of: multiple) {
            faults.add(map.path(key), "must be a multiple of \(multiple)")
        }
        if shape.width * shape.height > limits.maxPixels {
            faults.add(map.path("width"), "times height must be at most \(limits.maxPixels)")
        }
        if !(shape.numFrames - 1).isMultiple(of: limits.frameStep) {
            faults.add(map.path("frames"), "must be \(limits.frameStep)k + 1")
        }
        return ShapeShare(
            work: Work(
                model: map.choice("model", models, otherwise: PublishedModels.large.name),
                shape: shape,
                steps: map.integer("steps", limits.steps),
                isGuided: map.bool("guided", otherwise: true),
                stepCache: StepCacheLevel(rawValue: map.choice("step_cache", levels, otherwise: "off")) ?? .off
            ),
            share: map.number("share", 1e-6...1e6, otherwise: 1)
        )
    }

    /// A share, or prompts of which some are asked for more often than others.
    private func repeats(_ map: YAMLMap) -> TenantGroup.Repeats {
        guard map.node("repeats")?.mapping != nil else {
            return .share(map.number("repeats", 0...1, otherwise: 0))
        }
        guard let prompts = map.map("repeats", keys: ["prompts", "exponent"]) else { return .share(0) }
        return .zipf(
            prompts: prompts.integer("prompts", 1...100_000_000),
            exponent: prompts.number("exponent", 0.01...10, otherwise: 1)
        )
    }

    private func floor(_ map: YAMLMap) -> DegradationFloor {
        func least(_ key: String) -> Int? { map.has(key) ? map.integer(key, 1...10_000) : nil }
        return DegradationFloor(
            minSteps: least("min_steps"),
            minFrames: least("min_frames"),
            minHeight: least("min_height")
        )
    }
}
