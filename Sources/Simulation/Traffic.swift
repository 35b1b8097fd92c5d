import Tasks

/// Who asks for what, and when: the same requests for the same seed, whatever becomes of them.
///
/// Each group draws from a source of its own, so that changing one leaves the others as they are.
struct Traffic: Sendable {
    /// One request.
    struct Ask: Sendable {
        var group: Int
        /// Among all tenants of all groups.
        var tenant: Int
        /// Among the shapes of the group.
        var shape: Int
        /// Of many; `nil` where prompts are not told apart.
        var prompt: Int?
        /// It asks for what was finished before.
        var isRepeat: Bool
        var isDegradable: Bool
        var isDeterministic: Bool
    }

    private struct Source: Sendable {
        var group: TenantGroup
        var firstTenant: Int
        var random: RandomSource
        var zipf: ZipfDistribution?
        /// The shares of the shapes, each with all before it.
        var limits: [Double]
        var asked = 0

        /// Requests of the group that may still come.
        var left: Int { max((group.total ?? .max) - asked, 0) }
    }

    private var sources: [Source]
    /// The group of each tenant.
    let groups: [Int]
    /// The name of each tenant.
    let names: [TenantID]

    init(_ traffic: [TenantGroup], seed: UInt64) {
        var sources: [Source] = []
        var groups: [Int] = []
        var names: [TenantID] = []
        for (index, group) in traffic.enumerated() {
            var sum = 0.0
            let limits = group.shapes.map { shape in
                sum += shape.share
                return sum
            }
            var zipf: ZipfDistribution?
            if case .zipf(let prompts, let exponent) = group.repeats {
                zipf = ZipfDistribution(count: prompts, exponent: exponent)
            }
            let own = RandomSource.mixed(seed &+ UInt64(index) &* 0x1_0000_0001)
            sources.append(
                Source(
                    group: group,
                    firstTenant: names.count,
                    random: RandomSource(seed: own),
                    zipf: zipf,
                    limits: limits
                )
            )
            for tenant in 0..<group.tenants {
                groups.append(index)
                names.append(TenantID(rawValue: "\(group.name)-\(tenant + 1)"))
            }
        }
        self.sources = sources
        self.groups = groups
        self.names = names
    }

    /// The next time that a group asks for something on its own.
    struct Arrival: Sendable {
        /// Seconds until then.
        var pause: Double
        /// Requests before it, evenly over the pause, that find their video finished.
        var hits: Double
    }

    /// The next arrival of a group.
    ///
    /// Where a share of requests is answered from the cache, those are only counted: of twenty requests a second a thousand
    /// may pass between two that matter, and how many do, and how long they take, is drawn at once.
    ///
    /// - Parameter group: its index.
    /// - Returns: the arrival; `nil` if the group does not ask again on its own.
    mutating func nextArrival(of group: Int) -> Arrival? {
        let left = Double(sources[group].left)
        guard left > 0 else { return nil }
        switch sources[group].group.arrival {
        case .poisson(let rate):
            let hits = min(successes(in: group), left)
            return Arrival(pause: sources[group].random.time(of: hits + 1, rate: rate), hits: hits)
        case .constant(let rate):
            let hits = min(successes(in: group), left)
            return Arrival(pause: (hits + 1) / rate, hits: hits)
        case .burst(let rate, let size):
            return Arrival(pause: sources[group].random.exponential(rate: rate / Double(size)), hits: 0)
        case .atOnce, .closed: return nil
        }
    }

    /// Says that requests of a group were only counted.
    mutating func skip(_ requests: Int, of group: Int) {
        sources[group].asked += requests
    }

    private mutating func successes(in group: Int) -> Double {
        guard case .share(let share) = sources[group].group.repeats, share > 0 else { return 0 }
        return sources[group].random.successes(share: share)
    }

    /// What the group asks for now, at a time that `nextArrival` gave.
    ///
    /// - Parameter group: its index.
    /// - Returns: one request, or a burst of one tenant.
    mutating func asks(of group: Int) -> [Ask] {
        var size = 1
        if case .burst(_, let burst) = sources[group].group.arrival { size = burst }
        let source = sources[group]
        guard source.left > 0 else { return [] }
        let tenant = source.firstTenant + sources[group].random.index(below: source.group.tenants)
        return (0..<min(size, source.left)).map { _ in ask(of: tenant, in: group) }
    }

    /// What the group asks for at the very start.
    ///
    /// - Parameter group: its index.
    /// - Returns: the requests, the tenants taking turns.
    mutating func firstAsks(of group: Int) -> [Ask] {
        let source = sources[group]
        let count =
            switch source.group.arrival {
            case .atOnce: source.left
            case .closed(let inFlight, _): min(source.left, inFlight * source.group.tenants)
            case .poisson, .constant, .burst: 0
            }
        return (0..<count).map { number in ask(of: source.firstTenant + number % source.group.tenants, in: group) }
    }

    /// What a tenant asks for after one of its requests has ended.
    ///
    /// - Parameter tenant: its index among all.
    /// - Returns: the request; `nil` if the tenant does not wait for ends, or has asked for all it wants.
    mutating func nextAsk(of tenant: Int) -> Ask? {
        let group = groups[tenant]
        guard thinkSeconds(of: tenant) != nil, sources[group].left > 0 else { return nil }
        return ask(of: tenant, in: group)
    }

    /// How long a tenant thinks before it asks again; `nil` if it does not wait for ends.
    func thinkSeconds(of tenant: Int) -> Double? {
        guard case .closed(_, let seconds) = sources[groups[tenant]].group.arrival else { return nil }
        return seconds
    }

    private mutating func ask(of tenant: Int, in group: Int) -> Ask {
        sources[group].asked += 1
        let settings = sources[group].group
        var isRepeat = false
        var prompt: Int?
        var place = sources[group].random.uniform()
        switch settings.repeats {
        case .share(let share):
            // Those between two arrivals were counted already.
            if !settings.arrival.isOneByOne, share > 0 { isRepeat = sources[group].random.uniform() < share }
        case .zipf:
            let rank = sources[group].zipf?.rank(&sources[group].random) ?? 0
            prompt = rank
            // Whoever asks for the same prompt asks for the same shape, or it would not be the same video.
            place = Double(RandomSource.mixed(UInt64(rank)) >> 11) * 0x1p-53
        }
        return Ask(
            group: group,
            tenant: tenant,
            shape: shape(at: place, in: group),
            prompt: prompt,
            isRepeat: isRepeat,
            isDegradable: settings.degradableShare > 0 && sources[group].random.uniform() < settings.degradableShare,
            isDeterministic: settings.deterministicShare > 0
                && sources[group].random.uniform() < settings.deterministicShare
        )
    }

    private func shape(at place: Double, in group: Int) -> Int {
        let limits = sources[group].limits
        guard limits.count > 1, let sum = limits.last else { return 0 }
        return limits.firstIndex { place * sum < $0 } ?? limits.count - 1
    }
}
