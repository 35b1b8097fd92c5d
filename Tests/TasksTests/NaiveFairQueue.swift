import Tasks

/// What `FairQueue` promises, computed anew from a plain list for every question.
struct NaiveFairQueue {
    private struct Place: Hashable {
        var level: Int
        var tenant: TenantID
        var lane: Lane
    }

    private struct Account {
        var tag: Double
        var started: Int
    }

    private struct Waiting {
        var generation: WaitingGeneration
        /// `nil`: before its time.
        var level: Int?
        /// When it came to its level, in milliseconds.
        var raisedAt: Int64

        var age: (Timestamp, GenerationID) { (generation.since, generation.id) }
        var charge: Double { generation.cost / generation.weight }
    }

    private let aging: Int64
    private var now = Timestamp(milliseconds: 0)
    private var waiting: [Waiting] = []
    private var accounts: [Place: Account] = [:]
    private var times: [Int: Double] = [:]
    private var charges: [GenerationID: (place: Place, generation: WaitingGeneration, number: Int)] = [:]
    private var takes = 0
    /// When a tenant last had something in a level.
    private var servedAt: [Int: [TenantID: Int64]] = [:]
    private var limits: [TenantID: Int] = [:]

    init(aging: Duration) {
        self.aging = aging.wholeMilliseconds
    }

    var count: Int { waiting.count }
    var cost: Double { waiting.reduce(0) { $0 + $1.generation.cost } }
    var nextDelayed: Timestamp? { waiting.filter { $0.level == nil }.map(\.generation.notBefore).min() }
    var ids: [GenerationID] { waiting.map(\.generation.id) }

    // MARK: Changes

    mutating func insert(_ generation: WaitingGeneration) {
        _ = remove(generation.id)
        let wasHeld = isHeld(generation.tenant)
        limits[generation.tenant] = generation.runningLimit
        joinAgain(generation.tenant, unlessHeldAs: wasHeld)
        waiting.append(Waiting(generation: generation, raisedAt: generation.since.milliseconds))
        if generation.notBefore <= now { enter(waiting.count - 1, in: generation.priority) }
    }

    mutating func remove(_ id: GenerationID) -> WaitingGeneration? {
        guard let index = waiting.firstIndex(where: { $0.generation.id == id }) else { return nil }
        let gone = waiting.remove(at: index)
        if let level = gone.level { leave(level, gone, at: now.milliseconds) }
        return gone.generation
    }

    mutating func raise(_ id: GenerationID, to priority: Int) {
        guard let index = waiting.firstIndex(where: { $0.generation.id == id }),
            priority > waiting[index].generation.priority
        else { return }
        let level = waiting[index].level
        let before = waiting[index]
        waiting[index].level = nil
        if let level { leave(level, before, at: now.milliseconds) }
        waiting[index].generation.priority = priority
        if let level { enter(index, in: max(level, priority)) }
    }

    mutating func take(_ id: GenerationID, at moment: Timestamp) -> WaitingGeneration? {
        advance(to: moment)
        guard let taken = waiting.first(where: { $0.generation.id == id }), let level = taken.level,
            !isHeld(taken.generation.tenant)
        else { return nil }
        let place = place(of: taken, in: level)
        takes += 1
        let time = max(times[level] ?? 0, accounts[place]?.tag ?? 0)
        times[level] = time
        for (other, account) in accounts where other.level == level && other.tenant == place.tenant {
            guard isActive(other) || account.tag > time else { continue }
            accounts[other]?.tag += taken.charge
        }
        for lane in Set(accounts.keys.filter { $0.level == level }.map(\.lane)) {
            let own = accounts.filter { $0.key.level == level && $0.key.lane == lane }
            let takeable = own.filter { isActive($0.key) && !isHeld($0.key.tenant) }
            guard let least = takeable.map(\.value.tag).min(), least < time else { continue }
            for other in own.keys { accounts[other]?.tag += time - least }
        }
        servedAt[level, default: [:]][place.tenant] = now.milliseconds
        if taken.generation.priority < level {
            for below in levels(below: level, of: place.tenant) {
                servedAt[below, default: [:]][place.tenant] = now.milliseconds
            }
        }
        _ = remove(id)
        charges[id] = (place, taken.generation, takes)
        return taken.generation
    }

    mutating func settle(_ id: GenerationID, actual: Double) {
        guard let charge = charges[id] else { return }
        let wasHeld = isHeld(charge.generation.tenant)
        charges[id] = nil
        correct(charge, actual: actual)
        joinAgain(charge.generation.tenant, unlessHeldAs: wasHeld)
    }

    private mutating func correct(
        _ charge: (place: Place, generation: WaitingGeneration, number: Int),
        actual: Double
    ) {
        let (place, generation, number) = charge
        guard let time = times[place.level] else { return }
        let more = (actual - generation.cost) / generation.weight
        let hasLine = accounts.keys.contains { $0.level == place.level && $0.lane == place.lane }
        if more > 0, accounts[place] == nil, hasLine { accounts[place] = Account(tag: time, started: takes) }
        for (other, account) in accounts where other.level == place.level && other.tenant == place.tenant {
            if more > 0 {
                let owed = isActive(other) ? account.tag : max(account.tag, time)
                accounts[other]?.tag = owed + more
            } else if account.started < number {
                accounts[other]?.tag += more
            }
        }
    }

    // MARK: Questions

    mutating func heads(at moment: Timestamp) -> [WaitingGeneration] {
        advance(to: moment)
        var lanes: Set<Lane> = []
        return inOrder(waiting.filter { !isHeld($0.generation.tenant) }).filter {
            lanes.insert($0.generation.lane).inserted
        }.map(\.generation)
    }

    /// What would be taken, one after the other, if each could be when it is its turn.
    func order(of candidates: [GenerationID]? = nil) -> [WaitingGeneration] {
        var copy = self
        var left = waiting.filter {
            $0.level != nil && (candidates?.contains($0.generation.id) ?? true) && !isHeld($0.generation.tenant)
        }
        var order: [WaitingGeneration] = []
        while let first = copy.inOrder(left).first, let level = first.level {
            order.append(first.generation)
            left.removeAll { $0.generation.id == first.generation.id }
            let tenant = first.generation.tenant
            for place in copy.accounts.keys where place.level == level && place.tenant == tenant {
                copy.accounts[place]?.tag += first.charge
            }
        }
        return order
    }

    func companions(of id: GenerationID) -> [WaitingGeneration] {
        func mayShare(_ waiting: Waiting) -> Bool {
            waiting.level != nil && !waiting.generation.hasStarted && waiting.generation.plan == AttemptPlan()
        }
        guard let own = waiting.first(where: { $0.generation.id == id }), mayShare(own),
            let key = own.generation.batchKey
        else { return [] }
        let others = waiting.filter { mayShare($0) && $0.generation.batchKey == key && $0.generation.id != id }
        return order(of: others.map(\.generation.id))
    }

    // MARK: Within

    mutating func advance(to moment: Timestamp) {
        now = max(now, moment)
        let due = waiting.indices.filter { waiting[$0].level == nil && waiting[$0].generation.notBefore <= now }
        let inTime = due.sorted {
            let (one, other) = (waiting[$0].generation, waiting[$1].generation)
            return (one.notBefore, one.id) < (other.notBefore, other.id)
        }
        for index in inTime { enter(index, in: waiting[index].generation.priority) }
        while let next = waiting.indices.filter({ rise(of: waiting[$0]) <= now.milliseconds }).min(by: {
            (rise(of: waiting[$0]), waiting[$0].generation.id) < (rise(of: waiting[$1]), waiting[$1].generation.id)
        }) {
            guard let level = waiting[next].level, let above = Self.ranks.first(where: { $0 > level }) else { return }
            let due = rise(of: waiting[next])
            servedAt[level, default: [:]][waiting[next].generation.tenant] = due
            let before = waiting[next]
            waiting[next].level = nil
            waiting[next].raisedAt = due
            leave(level, before, at: due)
            enter(next, in: above)
        }
    }

    private static let ranks = [-10, 0, 10]

    /// When it leaves its level for a higher one: the first of its tenant's in its lane only.
    private func rise(of one: Waiting) -> Int64 {
        guard aging > 0, let level = one.level, level < 10 else { return .max }
        let own = place(of: one, in: level)
        let isFirst = !waiting.contains { other in
            other.level == level && place(of: other, in: level) == own && other.age < one.age
        }
        guard isFirst, let above = Self.ranks.first(where: { $0 > level }), !hasRaised(own, in: above) else {
            return .max
        }
        return max(one.raisedAt, servedAt[level]?[own.tenant] ?? .min) + aging
    }

    private func isHeld(_ tenant: TenantID) -> Bool {
        guard let limit = limits[tenant] else { return false }
        return charges.values.count { $0.generation.tenant == tenant } >= limit
    }

    /// Who may have something taken again saves up no right from before.
    private mutating func joinAgain(_ tenant: TenantID, unlessHeldAs wasHeld: Bool) {
        guard wasHeld, !isHeld(tenant) else { return }
        for (place, account) in accounts where place.tenant == tenant && isActive(place) {
            let time = times[place.level] ?? 0
            if account.tag <= time { accounts[place] = Account(tag: time, started: takes) }
        }
    }

    private func place(of waiting: Waiting, in level: Int) -> Place {
        Place(level: level, tenant: waiting.generation.tenant, lane: waiting.generation.lane)
    }

    private func isActive(_ place: Place) -> Bool {
        waiting.contains { $0.level == place.level && self.place(of: $0, in: place.level) == place }
    }

    private mutating func enter(_ index: Int, in level: Int) {
        let place = place(of: waiting[index], in: level)
        let time = times[level] ?? 0
        times[level] = time
        if accounts[place] == nil
            || (!isActive(place) && !isHeld(place.tenant) && (accounts[place]?.tag ?? time) <= time)
        {
            accounts[place] = Account(tag: time, started: takes)
        }
        waiting[index].level = level
    }

    /// Whether something of a tenant waits in a level to which waiting has brought it.
    private func hasRaised(_ place: Place, in level: Int) -> Bool {
        waiting.contains {
            $0.level == level && $0.generation.priority < level && $0.generation.tenant == place.tenant
                && $0.generation.lane == place.lane
        }
    }

    /// Where a tenant is, and is raised from to a level.
    private func levels(below level: Int, of tenant: TenantID) -> Set<Int> {
        Set(accounts.keys.filter { $0.tenant == tenant }.map(\.level)).filter { below in
            Self.ranks.first { $0 > below } == level
        }
    }

    /// Of what was raised the next one may be from then on.
    private mutating func leave(_ level: Int, _ gone: Waiting, at milliseconds: Int64) {
        let place = place(of: gone, in: level)
        if aging > 0, gone.generation.priority < level, !hasRaised(place, in: level) {
            for below in levels(below: level, of: place.tenant) {
                let before = servedAt[below]?[place.tenant] ?? .min
                servedAt[below, default: [:]][place.tenant] = max(before, milliseconds - aging)
            }
        }
        leave(level)
    }

    private mutating func leave(_ level: Int) {
        guard !waiting.contains(where: { $0.level == level }) else { return }
        times[level] = nil
        servedAt[level] = nil
        accounts = accounts.filter { $0.key.level != level }
    }

    private func inOrder(_ waiting: [Waiting]) -> [Waiting] {
        func rank(_ waiting: Waiting) -> (Int, Double, Int64, Int64)? {
            guard let level = waiting.level, let account = accounts[place(of: waiting, in: level)] else { return nil }
            let generation = waiting.generation
            return (-level, account.tag, generation.since.milliseconds, generation.id.rawValue)
        }
        return waiting.compactMap { one in rank(one).map { ($0, one) } }.sorted { $0.0 < $1.0 }.map(\.1)
    }
}
