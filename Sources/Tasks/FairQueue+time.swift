/// What time does: generations come into their time, and waiting raises them.
extension FairQueue {
    private static let ranks = TaskPriority.allCases.map(\.rank).sorted()

    /// The next priority of the ladder; `nil` at its top.
    private static func rank(above priority: Int) -> Int? {
        ranks.first { $0 > priority }
    }

    /// Brings the queue to a moment: lets those in whose time has come, and raises those that have waited.
    ///
    /// What it comes to does not depend on how often it is called on the way.
    package mutating func advance(to moment: Timestamp) {
        now = max(now, moment)
        while let first = delayed.first, first.key.milliseconds <= now.milliseconds {
            delayed.remove(at: 0, &entryPlaces)
            place(first.slot, in: entries[first.slot].priority)
        }
        while let first = rising.first, first.key.milliseconds <= now.milliseconds,
            let slot = firstEntry(of: first.slot), let next = Self.rank(above: level(of: slot))
        {
            noteServed(entries[slot].tenant, in: level(of: slot), at: first.key.milliseconds)
            unplace(slot, at: first.key.milliseconds)
            entries[slot].raisedAt = first.key.milliseconds
            place(slot, in: next)
        }
    }

    /// Whether a moment changes anything.
    func isBehind(_ moment: Timestamp) -> Bool {
        let due = [delayed.first, rising.first].compactMap { $0?.key.milliseconds }.min()
        return due.map { $0 <= moment.milliseconds } ?? false
    }

    /// The priority of a generation that may be taken, with what waiting has added by now.
    func level(of slot: Int32) -> Int {
        lines[flows[strands[entries[slot].strand].flow].line].level
    }

    /// Notes that a tenant has had something in a level: it waits anew there from then on.
    mutating func noteServed(_ tenant: Int32, in priority: Int, at milliseconds: Int64) {
        guard aging > 0, let level = levelIndex(priority) else { return }
        levels[level].servedAt[tenant] = milliseconds
        for flow in levels[level].members[tenant] ?? [] { scheduleRise(of: flow) }
    }

    /// Notes that waiting has brought a generation to a flow: nothing more of its tenant is raised there meanwhile.
    mutating func noteRaised(in slot: Int32) {
        flows[slot].raised += 1
        let flow = flows[slot]
        for level in levelsBelow(lines[flow.line].level) {
            for other in levels[level].members[flow.tenant] ?? []
            where lines[flows[other].line].lane == lines[flow.line].lane { scheduleRise(of: other) }
        }
    }

    /// Notes that a generation has left a flow to which waiting had brought it: the next one may be raised from then on.
    mutating func noteRaisedLeft(_ slot: Int32, at milliseconds: Int64) {
        flows[slot].raised -= 1
        let flow = flows[slot]
        guard flow.raised == 0 else { return }
        for level in levelsBelow(lines[flow.line].level) where levels[level].members[flow.tenant] != nil {
            let served = max(levels[level].servedAt[flow.tenant] ?? .min, milliseconds - aging)
            noteServed(flow.tenant, in: levels[level].priority, at: served)
        }
    }

    /// Notes that a generation that waiting had brought to its level is begun: the next one waits anew.
    mutating func noteRaisedBegun(_ tenant: Int32, in priority: Int) {
        for level in levelsBelow(priority) where levels[level].members[tenant] != nil {
            noteServed(tenant, in: levels[level].priority, at: now.milliseconds)
        }
    }

    /// Where the levels are from which waiting brings to one.
    private func levelsBelow(_ priority: Int) -> [Int] {
        levels.indices.filter { Self.rank(above: levels[$0].priority) == priority }
    }

    /// Notes when the first of a flow is raised, if anything waits in it.
    mutating func scheduleRise(of slot: Int32) {
        let place = slot < risingPlaces.count ? Int(risingPlaces[Int(slot)]) : -1
        guard let due = rise(of: slot) else {
            if place >= 0 { rising.remove(at: place, &risingPlaces) }
            return
        }
        if place < 0 {
            rising.insert(slot, due, &risingPlaces)
        } else if rising.items[place].key != due {
            rising.update(at: place, due, &risingPlaces)
        }
    }

    /// When the first of a flow is raised; `nil`: never.
    private func rise(of slot: Int32) -> Age? {
        let flow = flows[slot]
        let priority = lines[flow.line].level
        guard aging > 0, let first = firstEntry(of: slot), let next = Self.rank(above: priority),
            let level = levelIndex(priority), !hasRaised(flow.tenant, lines[flow.line].lane, in: next)
        else { return nil }
        let since = max(entries[first].raisedAt, levels[level].servedAt[flow.tenant] ?? .min)
        let (moment, isNever) = since.addingReportingOverflow(aging)
        return isNever ? nil : Age(milliseconds: moment, id: entries[first].id.rawValue)
    }

    /// Whether something of a tenant waits in a level to which waiting has brought it.
    private func hasRaised(_ tenant: Int32, _ lane: Int32, in priority: Int) -> Bool {
        guard let level = levelIndex(priority) else { return false }
        return (levels[level].members[tenant] ?? []).contains {
            flows[$0].raised > 0 && lines[flows[$0].line].lane == lane
        }
    }
}
