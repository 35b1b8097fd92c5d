/// What the order will be, without taking anything.
extension FairQueue {
    /// The first of all that may be taken.
    ///
    /// Costs O(tenants · lanes), and O(log) for each that is returned.
    ///
    /// - Parameters:
    ///   - limit: how many, at most.
    ///   - now: as for `heads`; cheap if `advance` has brought the queue to that moment.
    /// - Returns: the order in which one device would take them that can take everything.
    package func order(limit: Int, at now: Timestamp) -> [WaitingGeneration] {
        guard !isBehind(now) else { return caughtUp(with: now).order(limit: limit, at: now) }
        var found: [WaitingGeneration] = []
        for level in levels where found.count < limit {
            let first = level.lines.flatMap { line in
                lines[line].flows.items.map { (flow: $0.slot, age: $0.key.age) }
            }
            for slot in walk(first, limit: limit - found.count, start: { FlowWalk(flow: $0, of: self) }) {
                if let waiting = waiting(slot) { found.append(waiting) }
            }
        }
        return found
    }

    /// Those that may be taken and may share a pass with one that waits.
    ///
    /// - Parameters:
    ///   - id: of a generation that waits and may be taken; of another there are none.
    ///   - limit: how many, at most.
    ///   - now: as for `order`.
    /// - Returns: the others, in fair order.
    package func companions(of id: GenerationID, limit: Int, at now: Timestamp) -> [WaitingGeneration] {
        guard !isBehind(now) else { return caughtUp(with: now).companions(of: id, limit: limit, at: now) }
        guard let own = slots[id], entries[own].strand >= 0 else { return [] }
        let group = groupOfTraits[Int(entries[own].traits)]
        guard group >= 0 else { return [] }
        var strandsOfFlow: [Int: [Int32: [Int32]]] = [:]
        for strand in strandsOfGroup[Int(group)] {
            let flow = strands[strand].flow
            guard !isHeld(flows[flow].tenant) else { continue }
            strandsOfFlow[lines[flows[flow].line].level, default: [:]][flow, default: []].append(strand)
        }
        var found: [WaitingGeneration] = []
        for level in levels where found.count < limit {
            let members = strandsOfFlow[level.priority] ?? [:]
            let first = members.compactMap { flow, strands in
                FlowWalk(flow: flow, strands: strands, of: self).age.map { (flow: flow, age: $0) }
            }
            let slots = walk(first, without: own, limit: limit - found.count) { flow in
                FlowWalk(flow: flow, strands: members[flow] ?? [], of: self)
            }
            for slot in slots {
                if let waiting = waiting(slot) { found.append(waiting) }
            }
        }
        return found
    }

    /// An estimate of the seconds of device time that are served before a new generation would start.
    ///
    /// Counts what is above its priority; of its priority what its tenant has waiting, and of each other tenant what
    /// is served until its tag has passed: whole generations of the tenant's mean cost. What comes later is not
    /// foreseen, nor are lanes: it is as if every device could take everything.
    ///
    /// - Parameters:
    ///   - tenant: whose it is.
    ///   - weight: the tenant's.
    ///   - priority: the generation's.
    ///   - now: as for `order`.
    /// - Returns: seconds; to be divided by the number of devices.
    package func ahead(of tenant: TenantID, weight: Double, priority: Int, at now: Timestamp) -> Double {
        guard !isBehind(now) else {
            return caughtUp(with: now).ahead(of: tenant, weight: weight, priority: priority, at: now)
        }
        var ahead = 0.0
        for level in levels where level.priority > priority { ahead += level.cost }
        guard let level = levels.first(where: { $0.priority == priority }) else { return ahead }
        let own = tenants.number(of: tenant)
        let standing = own.flatMap { level.members[$0] }.map(standing)
        let start = max(level.time, standing?.tags.upperBound ?? level.time)
        let end = start + (standing?.cost ?? 0) / Self.weight(weight)
        ahead += standing?.cost ?? 0
        for (other, members) in level.members where other != own {
            let other = self.standing(of: members)
            guard other.count > 0, other.tags.lowerBound <= end else { continue }
            let mean = other.cost / Double(other.count)
            guard mean > 0 else { continue }
            let served = (((end - other.tags.lowerBound) * other.weight) / mean).rounded(.down) + 1
            ahead += min(other.cost, served * mean)
        }
        return ahead
    }

    /// What a tenant has waiting in a level, all lanes together.
    private func standing(
        of members: [Int32]
    ) -> (tags: ClosedRange<Double>, count: Int, cost: Double, weight: Double) {
        var (least, most) = (Double.infinity, -Double.infinity)
        var (count, cost, weight) = (0, 0.0, 1.0)
        for member in members {
            let flow = flows[member]
            let tag = flow.tag + lines[flow.line].shift
            most = max(most, tag)
            if flow.count > 0 || least == .infinity {
                least = min(least, tag)
                weight = flow.weight
            }
            count += flow.count
            cost += flow.cost
        }
        return (least...max(least, most), count, cost, weight)
    }

    /// This queue at a later moment.
    private func caughtUp(with moment: Timestamp) -> FairQueue {
        var copy = self
        copy.advance(to: moment)
        return copy
    }
}
