package import Scheduling
package import Tasks

/// What is simulated: devices, who asks for what, and for how long.
///
/// Plain values that are known to be sound: whoever makes one from a text has checked it.
package struct Scenario: Sendable {
    package var fleet: [DeviceGroup]
    package var traffic: [TenantGroup]
    package var end: End
    /// How long requests that were made earlier wait is not counted: seconds, in which cold devices load their models.
    package var warmUp: Double
    /// Of the server; those that no policy depends on mean nothing here.
    package var settings: SchedulingSettings
    /// Waiting so long raises a generation by one priority; zero: never.
    package var aging: Duration
    /// How far real seconds stray from what the cost model first expects: the deviation of their logarithm; 0 for not at all.
    package var noise: Double
    package var seed: UInt64
    /// `nil`: all devices are always there.
    package var scaling: DeviceScaling?

    /// When it is over.
    package struct End: Sendable, Equatable {
        /// No request comes later, in seconds; `nil`: the groups say how many come.
        package var seconds: Double?
        /// Whether what was accepted is made to the end.
        ///
        /// Otherwise the simulation stops with the last request, and what waits then has waited so far.
        package var isDrained: Bool

        package init(seconds: Double?, isDrained: Bool) {
            self.seconds = seconds
            self.isDrained = isDrained
        }
    }

    package init(
        fleet: [DeviceGroup],
        traffic: [TenantGroup],
        end: End,
        warmUp: Double = 0,
        settings: SchedulingSettings = SchedulingSettings(),
        aging: Duration = .seconds(600),
        noise: Double = 0,
        seed: UInt64 = 1,
        scaling: DeviceScaling? = nil
    ) {
        self.fleet = fleet
        self.traffic = traffic
        self.end = end
        self.warmUp = warmUp
        self.settings = settings
        self.aging = aging
        self.noise = noise
        self.seed = seed
        self.scaling = scaling
    }
}

/// Devices of one kind.
package struct DeviceGroup: Sendable, Equatable {
    package var name: String
    package var count: Int
    /// As the driver calls it, or shorter: `A100`.
    package var kind: String
    package var memoryBytes: Int64
    /// How many times as fast it really is as the cost model first expects of its kind.
    package var speed: Double
    /// For one device, in whatever currency; `nil`: unknown.
    package var pricePerHour: Double?
    package var enginesPerDevice: Int

    package init(
        name: String,
        count: Int,
        kind: String,
        memoryBytes: Int64,
        speed: Double = 1,
        pricePerHour: Double? = nil,
        enginesPerDevice: Int = 1
    ) {
        self.name = name
        self.count = count
        self.kind = kind
        self.memoryBytes = memoryBytes
        self.speed = speed
        self.pricePerHour = pricePerHour
        self.enginesPerDevice = enginesPerDevice
    }
}

/// Tenants that behave alike.
package struct TenantGroup: Sendable, Equatable {
    package var name: String
    package var tenants: Int
    /// The share of a tenant against others, where all of them wait.
    package var weight: Double
    package var priority: TaskPriority
    package var arrival: Arrival
    /// Requests in all; `nil`: until the scenario ends.
    package var total: Int?
    /// What they ask for; at least one, with shares above 0.
    package var shapes: [ShapeShare]
    package var repeats: Repeats
    /// The share of requests that may be degraded.
    package var degradableShare: Double
    package var floor: DegradationFloor
    /// The share of requests that must not share a pass.
    package var deterministicShare: Double

    package init(
        name: String,
        tenants: Int = 1,
        weight: Double = 1,
        priority: TaskPriority = .normal,
        arrival: Arrival,
        total: Int? = nil,
        shapes: [ShapeShare],
        repeats: Repeats = .share(0),
        degradableShare: Double = 0,
        floor: DegradationFloor = DegradationFloor(),
        deterministicShare: Double = 0
    ) {
        self.name = name
        self.tenants = tenants
        self.weight = weight
        self.priority = priority
        self.arrival = arrival
        self.total = total
        self.shapes = shapes
        self.repeats = repeats
        self.degradableShare = degradableShare
        self.floor = floor
        self.deterministicShare = deterministicShare
    }

    /// When requests come.
    package enum Arrival: Sendable, Equatable {
        /// At random: requests a second of the whole group.
        case poisson(rate: Double)
        /// The same distance apart.
        case constant(rate: Double)
        /// So many of one tenant at once; bursts come at random, at so many requests a second in all.
        case burst(rate: Double, size: Int)
        /// All at the start.
        case atOnce
        /// Each tenant has so many under way, and asks again a while after one has ended.
        case closed(inFlight: Int, thinkSeconds: Double)

        /// Whether requests come each at a time of its own, whatever becomes of others.
        var isOneByOne: Bool {
            switch self {
            case .poisson, .constant: true
            case .burst, .atOnce, .closed: false
            }
        }
    }

    /// How many requests are for what was made before.
    package enum Repeats: Sendable, Equatable {
        /// A share of all, at random: these find their video finished.
        case share(Double)
        /// Prompts of which the k-th is k^exponent times as rare as the first: they find a video if one was made, or is
        /// being made.
        case zipf(prompts: Int, exponent: Double)
    }
}

/// One kind of request, and how many of all are of this kind.
package struct ShapeShare: Sendable, Equatable {
    package var work: Work
    /// Against the other shares.
    package var share: Double

    package init(work: Work, share: Double = 1) {
        self.work = work
        self.share = share
    }
}
