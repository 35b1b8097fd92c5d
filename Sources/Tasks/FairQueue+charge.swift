/// What tenants are charged.
extension FairQueue {
    /// Charges a tenant for a generation that still stands in its flow, and moves the time of its level on.
    mutating func charge(_ entry: Entry, lane: Lane, tenant: TenantID) {
        let served = flows[strands[entry.strand].flow]
        let priority = lines[served.line].level
        guard let level = levelIndex(priority) else { return }
        takes += 1
        let time = max(levels[level].time, served.tag + lines[served.line].shift)
        levels[level].time = time
        for member in levels[level].members[entry.tenant] ?? [] {
            let flow = flows[member]
            // Where it has nothing waiting and owes nothing it is as new.
            guard flow.count > 0 || flow.tag + lines[flow.line].shift > time else { continue }
            setTag(of: member, to: flow.tag + entry.cost / entry.weight)
        }
        lift(level)
        noteServed(entry.tenant, in: priority, at: now.milliseconds)
        if entry.priority < priority { noteRaisedBegun(entry.tenant, in: priority) }
        charges[entry.id] = Charge(
            tenant: tenant,
            weight: entry.weight,
            cost: entry.cost,
            level: priority,
            lane: lane,
            number: takes
        )
    }

    /// Moves on the lines of a level that lag behind its time, each as a whole.
    private mutating func lift(_ level: Int) {
        for line in levels[level].lines {
            guard let first = lines[line].flows.first else { continue }
            lines[line].shift += max(0, levels[level].time - (first.key.tag + lines[line].shift))
        }
    }

    /// Corrects what was charged for a generation that was taken, once its attempt has ended.
    ///
    /// The queue keeps what it has charged until this is called; of an id that was not taken it knows nothing, and does
    /// nothing. What was charged too much is given back only while it counts: not if the tenant has started anew since.
    ///
    /// - Parameters:
    ///   - id: the generation's; it may wait again meanwhile.
    ///   - actual: seconds of device time that the attempt took; 0 gives everything back.
    /// - Returns: what `unsettle` takes; `nil` if nothing was done.
    @discardableResult
    package mutating func settle(_ id: GenerationID, actual: Double) -> Settlement? {
        guard let charge = charges.removeValue(forKey: id) else { return nil }
        correct(charge, actual: actual)
        noteRunning(of: charge.tenant, by: -1)
        return Settlement(id: id, charge: charge, actual: Self.seconds(actual))
    }

    /// Takes back that an attempt has ended: it runs, charged with what it had taken, until it is settled again.
    package mutating func unsettle(_ settlement: Settlement) {
        guard charges[settlement.id] == nil else { return }
        var charge = settlement.charge
        charge.cost = settlement.actual
        charges[settlement.id] = charge
        noteRunning(of: charge.tenant, by: 1)
    }

    /// What was corrected for an attempt that has ended.
    package struct Settlement: Sendable {
        let id: GenerationID
        let charge: Charge
        let actual: Double
    }

    private mutating func correct(_ charge: Charge, actual: Double) {
        guard let level = levelIndex(charge.level) else { return }
        let more = (Self.seconds(actual) - charge.cost) / charge.weight
        let time = levels[level].time
        if more > 0, let lane = lanes.number(of: charge.lane),
            let line = levels[level].lines.first(where: { lines[$0].lane == lane })
        {
            _ = idleFlow(of: charge.tenant, in: line)
        }
        guard let tenant = tenants.number(of: charge.tenant) else { return }
        for member in levels[level].members[tenant] ?? [] {
            let flow = flows[member]
            if more > 0 {
                // Who has nothing waiting owes from now on; what time has forgiven stays forgiven.
                let start = time - lines[flow.line].shift
                setTag(of: member, to: (flow.count == 0 ? max(flow.tag, start) : flow.tag) + more)
            } else if flow.started < charge.number {
                setTag(of: member, to: flow.tag + more)
            }
        }
    }
}
