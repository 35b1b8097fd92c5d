import Scheduling
import Simulation
import Tasks

/// Scenarios for tests.
enum ScenarioFixture {
    /// EasyAnimate's own example: 384x672x49 with 25 steps.
    static let work = work(frames: 49)

    static func work(
        width: Int = 672,
        height: Int = 384,
        frames: Int = 49,
        steps: Int = 25,
        model: String = PublishedModels.large.name
    ) -> Work {
        Work(
            model: model,
            shape: VideoShape(width: width, height: height, numFrames: frames),
            steps: steps,
            isGuided: true
        )
    }

    static func a100(_ count: Int, name: String = "a100", engines: Int = 1) -> DeviceGroup {
        DeviceGroup(
            name: name,
            count: count,
            kind: "A100",
            memoryBytes: 80_000_000_000,
            pricePerHour: 2,
            enginesPerDevice: engines
        )
    }

    static func tenants(
        _ name: String = "web",
        count: Int = 1,
        weight: Double = 1,
        priority: TaskPriority = .normal,
        arrival: TenantGroup.Arrival,
        total: Int? = nil,
        works: [Work] = [work],
        repeats: TenantGroup.Repeats = .share(0),
        degradable: Double = 0
    ) -> TenantGroup {
        TenantGroup(
            name: name,
            tenants: count,
            weight: weight,
            priority: priority,
            arrival: arrival,
            total: total,
            shapes: works.map { ShapeShare(work: $0) },
            repeats: repeats,
            degradableShare: degradable
        )
    }

    static func scenario(
        _ fleet: [DeviceGroup],
        _ traffic: [TenantGroup],
        seconds: Double? = nil,
        isDrained: Bool? = nil,
        settings: SchedulingSettings = SchedulingSettings(),
        aging: Duration = .seconds(600),
        noise: Double = 0,
        seed: UInt64 = 1
    ) -> Scenario {
        Scenario(
            fleet: fleet,
            traffic: traffic,
            end: .init(seconds: seconds, isDrained: isDrained ?? (seconds == nil)),
            settings: settings,
            aging: aging,
            noise: noise,
            seed: seed
        )
    }
}
