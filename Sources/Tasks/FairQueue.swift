/// The order of what waits; the one place where it is decided.
///
/// The higher priority first; waiting raises it, so that nothing waits for ever: of a tenant that has had nothing in a
/// priority for long, the first that waits there, and the next one no sooner than that is begun, so that an old backlog
/// does not overtake everybody. Within a priority the tenants share the device time by their weights: start-time fair
/// queueing (Goyal, Vin and Cheng, 1996) by predicted cost. Within a tenant the oldest first.
///
/// - A tenant's *tag* in a level is what it was charged there, in seconds by weight. The least tag is served first. The
///   level's *time* is the greatest tag that was served; who comes after having nothing waiting starts no earlier, so
///   that no right is saved up. So a tenant with a thousand generations delays another's one by one generation for each
///   device.
/// - Tags are kept for each lane that a tenant waits in, and each is charged with all that the tenant is served in the
///   level. A lane that no device could take from does not lag behind the level's time either: it is moved on as a whole,
///   so that its own order stays and it gains no right over the others.
/// - A tenant of which as much runs as may is passed over until something of it has ended; it saves up no right
///   meanwhile.
/// - What is taken is charged as predicted and corrected by `settle` once it is known.
///
/// Pure: time comes from the caller, and a time before one that was seen counts as that one. With n generations
/// waiting, `insert`, `remove`, `raise` and `take` cost O(log n), and for each lane of a tenant as much; `heads` O(lanes).
package struct FairQueue: Sendable {
    /// Milliseconds; 0: never.
    let aging: Int64
    /// The latest moment that the queue has seen.
    var now = Timestamp(milliseconds: 0)

    var slots: [GenerationID: Int32] = [:]
    var entries = Pool<Entry>()
    /// In a strand, or in `delayed`.
    var entryPlaces: [Int32] = []
    /// By the moment from which on they may be taken.
    var delayed = SlotHeap<Age>()

    var strands = Pool<Strand>()
    var strandNames: [StrandName: Int32] = [:]
    var strandPlaces: [Int32] = []
    /// Flows by the moment when the first of them is raised.
    var rising = SlotHeap<Age>()
    var risingPlaces: [Int32] = []

    var flows = Pool<Flow>()
    var flowPlaces: [Int32] = []
    var lines = Pool<Line>()
    /// The highest first; none is empty.
    var levels: [Level] = []

    var tenants = Interned<TenantID>()
    var lanes = Interned<Lane>()
    var traits = Interned<Traits>()
    /// By the number of the traits.
    var laneOfTraits: [Int32] = []
    var groupOfTraits: [Int32] = []
    var groups = Interned<String>()
    /// By the number of the group.
    var strandsOfGroup: [[Int32]] = []

    var charges: [GenerationID: Charge] = [:]
    var takes: UInt64 = 0
    /// How many generations of a tenant may run; those of other tenants may all.
    var runningLimits: [TenantID: Int] = [:]
    /// What runs of each tenant.
    var running: [TenantID: Int] = [:]

    /// How many generations wait, those before their time included.
    package var count: Int { slots.count }

    /// Predicted seconds of device time of all that waits.
    package private(set) var cost = 0.0

    /// How many generations wait of each priority that was asked for.
    package private(set) var countByPriority: [Int: Int] = [:]

    /// When the next generation that is before its time may be taken; `nil` if none is.
    package var nextDelayed: Timestamp? {
        delayed.first.map { Timestamp(milliseconds: $0.key.milliseconds) }
    }

    /// An empty queue.
    ///
    /// - Parameter aging: a tenant that has waited so long since it last had something in a priority has one generation
    ///   raised to the next one of `TaskPriority`, up to the highest; zero or less: never.
    package init(aging: Duration) {
        // Thirty thousand years: far from where sums overflow.
        self.aging = min(max(.zero, aging), .seconds(1 << 40)).wholeMilliseconds
    }

    /// Lets a generation wait, in place of one of the same id.
    package mutating func insert(_ waiting: WaitingGeneration) {
        remove(waiting.id)
        setRunningLimit(of: waiting.tenant, to: waiting.runningLimit)
        let slot = entries.add(
            Entry(
                id: waiting.id,
                since: waiting.since,
                notBefore: waiting.notBefore,
                raisedAt: waiting.since.milliseconds,
                cost: Self.seconds(waiting.cost),
                weight: Self.weight(waiting.weight),
                priority: waiting.priority,
                tenant: tenants.use(waiting.tenant).number,
                traits: useTraits(of: waiting)
            )
        )
        slots[waiting.id] = slot
        countByPriority[waiting.priority, default: 0] += 1
        cost += entries[slot].cost
        if waiting.notBefore > now {
            delay(slot)
        } else {
            place(slot, in: waiting.priority)
        }
    }

    /// Takes out a generation that is not wanted any more; nobody is charged.
    @discardableResult
    package mutating func remove(_ id: GenerationID) -> WaitingGeneration? {
        guard let slot = slots.removeValue(forKey: id) else { return nil }
        let waiting = waiting(slot)
        if entries[slot].strand < 0 {
            delayed.remove(at: Int(entryPlaces[Int(slot)]), &entryPlaces)
        } else {
            unplace(slot, at: now.milliseconds)
        }
        // Sums of floating-point numbers drift; an empty queue is where it can be seen.
        cost = slots.isEmpty ? 0 : cost - entries[slot].cost
        uncount(entries[slot].priority)
        releaseTraits(entries[slot].traits)
        tenants.release(entries[slot].tenant)
        entries.remove(slot, leaving: Entry())
        return waiting
    }

    /// Makes a generation at least as urgent.
    package mutating func raise(_ id: GenerationID, to priority: Int) {
        guard let slot = slots[id], priority > entries[slot].priority else { return }
        uncount(entries[slot].priority)
        countByPriority[priority, default: 0] += 1
        guard entries[slot].strand >= 0 else {
            entries[slot].priority = priority
            return
        }
        let level = level(of: slot)
        unplace(slot, at: now.milliseconds)
        entries[slot].priority = priority
        place(slot, in: max(level, priority))
    }

    /// A generation that waits.
    package subscript(id: GenerationID) -> WaitingGeneration? {
        slots[id].flatMap(waiting)
    }

    /// The first of each lane that may be taken, in fair order.
    package mutating func heads(at now: Timestamp) -> [WaitingGeneration] {
        advance(to: now)
        var heads: [WaitingGeneration] = []
        var seen: [Int32] = []
        for level in levels {
            var found: [(turn: Turn, slot: Int32)] = []
            for index in level.lines {
                let line = lines[index]
                guard let first = line.flows.first, !seen.contains(line.lane),
                    let slot = firstEntry(of: first.slot)
                else { continue }
                seen.append(line.lane)
                found.append((Turn(tag: first.key.tag + line.shift, age: first.key.age), slot))
            }
            found.sort { $0.turn < $1.turn }
            for head in found {
                if let waiting = waiting(head.slot) { heads.append(waiting) }
            }
        }
        return heads
    }

    /// Takes out a generation that is to be made now, and charges its tenant.
    ///
    /// - Returns: `nil` if it does not wait, is before its time, or as much of its tenant runs as may.
    package mutating func take(_ id: GenerationID, at now: Timestamp) -> WaitingGeneration? {
        advance(to: now)
        guard let slot = slots[id], entries[slot].strand >= 0, let taken = waiting(slot), !isHeld(taken.tenant) else {
            return nil
        }
        let runsAlready = charges[id] != nil
        charge(entries[slot], lane: taken.lane, tenant: taken.tenant)
        remove(id)
        if !runsAlready { noteRunning(of: taken.tenant, by: 1) }
        return taken
    }

    private mutating func uncount(_ priority: Int) {
        let left = countByPriority[priority, default: 1] - 1
        // Whatever numbers come as priorities, none is remembered that nothing waits with.
        countByPriority[priority] = left > 0 ? left : nil
    }

    /// The number that a weight counts as.
    static func weight(_ weight: Double) -> Double {
        weight.isFinite && weight > 0 ? min(max(weight, 1e-6), 1e6) : 1
    }

    /// The seconds that a cost counts as; the bound keeps sums of many exact enough to compare.
    static func seconds(_ cost: Double) -> Double {
        cost.isFinite ? min(max(0, cost), 1e9) : 0
    }
}
