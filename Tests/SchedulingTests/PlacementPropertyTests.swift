import Tasks
import Testing

@testable import Scheduling

@Suite("Scheduling: placement over random fleets and loads")
struct PlacementPropertyTests {
    private typealias Fixture = PolicyFixture

    private static let kinds: [(DeviceKind, Int64)] = [
        (Fixture.a100, 80), (DeviceKind(name: "NVIDIA A100-PCIE-40GB"), 42), (Fixture.a10, 24),
        (DeviceKind(name: "Tesla T4"), 16),
    ]

    /// One large device at least, and some of anything.
    private static func fleet(_ random: inout SeededRandom) -> [DeviceView] {
        (0..<Int.random(in: 1...6, using: &random)).map { index in
            let (kind, gigabytes) = index == 0 ? kinds[0] : kinds[Int.random(in: 0..<4, using: &random)]
            let states = (0..<Int.random(in: 1...3, using: &random)).map { _ -> EngineView.State in
                Int.random(in: 0..<4, using: &random) == 0 ? .asleep : .ready
            }
            var device = Fixture.device(index, kind: kind, gigabytes: gigabytes, states)
            device.isDraining = index > 0 && Int.random(in: 0..<6, using: &random) == 0
            return device
        }
    }

    private static func load(_ count: Int, every mean: Double, _ random: inout SeededRandom) -> [PlacementWorld.Request]
    {
        let shapes = [
            Fixture.small, Fixture.medium, Fixture.large, VideoShape(width: 1008, height: 576, numFrames: 49),
        ]
        var time = 0.0
        return (0..<count).map { _ in
            time += Double.random(in: 0..<(2 * mean), using: &random)
            let isTiny = Int.random(in: 0..<3, using: &random) == 0
            return PlacementWorld.Request(
                time: time,
                tenant: "t\(Int.random(in: 0..<4, using: &random))",
                work: Fixture.work(
                    shapes[Int.random(in: 0..<shapes.count, using: &random)],
                    model: isTiny ? Fixture.tiny : Fixture.model,
                    steps: Int.random(in: 4...50, using: &random)
                ),
                priority: [-10, 0, 10][Int.random(in: 0..<3, using: &random)]
            )
        }
    }

    @Test("Memory is never oversubscribed, nothing idles that could work, draining devices get nothing, all is made")
    func invariants() throws {
        for seed in 0..<30 as Range<UInt64> {
            var random = SeededRandom(seed: seed)
            var world = PlacementWorld(devices: Self.fleet(&random), seed: seed)
            world.noise = 0.3
            world.learns = seed.isMultiple(of: 2)
            let mean = [2.0, 20, 100][Int(seed % 3)]
            do {
                try world.run(Self.load(80, every: mean, &random))
            } catch {
                Issue.record("seed \(seed): \(error)")
            }
            #expect(world.outcomes.count == 80 && world.outcomes.values.allSatisfy { $0.end.isFinite })
        }
    }

    @Test("The same fleet and load give the same course, to the last engine")
    func deterministic() throws {
        func outcomes() throws -> [GenerationID: PlacementWorld.Outcome] {
            var random = SeededRandom(seed: 7)
            var world = PlacementWorld(devices: Self.fleet(&random), seed: 7)
            world.noise = 0.3
            try world.run(Self.load(200, every: 10, &random))
            return world.outcomes
        }
        let (first, second) = (try outcomes(), try outcomes())
        #expect(first.count == 200)
        for (id, outcome) in first {
            #expect(second[id]?.start == outcome.start && second[id]?.engine == outcome.engine)
        }
    }

    @Test("A large generation is not starved by small ones that would fill every gap")
    func noStarvation() throws {
        // Two engines share a device; small ones always fit beside one another, the large one needs it nearly alone.
        let device = Fixture.device(0, [.ready, .ready])
        var memory = MemoryModel()
        let small = Fixture.work(Fixture.small, model: Fixture.tiny, steps: 2000)
        memory.learn(work: small, model: Fixture.tiny, mode: .full, peakBytes: 30_000_000_000)
        let large = Fixture.work(Fixture.large)
        var world = PlacementWorld(devices: [device], seed: 1)
        world.seedMemory(memory)
        world.noise = 0.2
        // Enough small ones of another tenant to keep both engines busy throughout, and uneven ends.
        var requests = (0..<400).map { PlacementWorld.Request(time: Double($0) * 4, tenant: "small", work: small) }
        requests.append(PlacementWorld.Request(time: 100, tenant: "large", work: large))
        try world.run(requests)
        let isLarge = world.outcomes.values.filter { $0.submitted == 100 && $0.seconds > 200 }
        let one = try #require(isLarge.first)
        let longest = world.outcomes.values.filter { $0.seconds < 200 }.map(\.seconds).max() ?? 0
        // What runs when it becomes the first ends, and one more of them may have been ahead of it.
        #expect(one.start - one.submitted <= 3 * longest)
    }

    @Test("With the bonus, models are loaded less often than without")
    func warmth() throws {
        func loads(_ bonus: Double) throws -> Double {
            let other = ModelFacts(name: "other", weightBytes: 20_000_000_000)
            var models = Fixture.models
            models[other.name] = other
            var random = SeededRandom(seed: 3)
            let works = [Fixture.work(Fixture.small), Fixture.work(Fixture.small, model: other)]
            let requests = (0..<200).map { number in
                PlacementWorld.Request(
                    time: Double(number) * 35,
                    tenant: "t",
                    work: works[Int.random(in: 0..<2, using: &random)]
                )
            }
            var world = PlacementWorld(devices: (0..<4).map { Fixture.device($0) }, models: models, seed: 3)
            world.policy.warmBonus = bonus
            try world.run(requests)
            return world.outcomes.values.reduce(0) { $0 + $1.seconds }
        }
        #expect(try loads(1) < 0.8 * loads(0))
    }

    @Test("One decision over a thousand devices takes no longer than a few looks at each of them")
    func cost() {
        let one = Self.decisions(devices: 10, isFree: false)
        let many = Self.decisions(devices: 1000, isFree: false)
        let free = Self.decisions(devices: 1000, isFree: true)
        // A hundred times the devices, at most a hundred times the time and some for what else the machine does.
        #expect(many < one * 250)
        #expect(free < many * 100)
        #expect(many < .milliseconds(20))
    }

    /// The least time of a decision, with all devices free or all but the last busy.
    private static func decisions(devices count: Int, isFree: Bool) -> Duration {
        let devices = (0..<count).map { index -> DeviceView in
            let state: EngineView.State = isFree || index == count - 1 ? .ready : .busy(until: 1e6)
            return Fixture.device(index, [state], reserved: 0)
        }
        let heads = [Fixture.head(1), Fixture.head(2, Fixture.work(Fixture.large))]
        let (costs, memory, policy) = (CostModel(), MemoryModel(), PlacementPolicy())
        var least = Duration.seconds(60)
        for _ in 0..<50 {
            var reserved: Reservation?
            let start = ContinuousClock.now
            let step = policy.next(
                heads: heads,
                devices: devices,
                models: Fixture.models,
                costs: costs,
                memory: memory,
                reserved: &reserved,
                now: 0
            )
            least = min(least, ContinuousClock.now - start)
            guard case .assign = step else { return .seconds(60) }
        }
        return least
    }
}
