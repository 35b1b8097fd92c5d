/// Where generations stand, and how that is kept true.
extension FairQueue {
    // MARK: Entries

    /// Puts a generation into the heap of those that are before their time.
    mutating func delay(_ slot: Int32) {
        let entry = entries[slot]
        entries[slot].strand = -1
        delayed.insert(slot, Age(milliseconds: entry.notBefore.milliseconds, id: entry.id.rawValue), &entryPlaces)
    }

    /// Puts a generation into a level.
    mutating func place(_ slot: Int32, in priority: Int) {
        let entry = entries[slot]
        let flow = flow(of: entry.tenant, in: line(of: laneOfTraits[Int(entry.traits)], in: priority))
        let strand = strand(of: flow, priority: entry.priority, group: groupOfTraits[Int(entry.traits)])
        entries[slot].strand = strand
        strands[strand].entries.insert(slot, entry.age, &entryPlaces)
        flows[flow].weight = entry.weight
        count(entry, in: flow, by: 1)
        refresh(strand)
        if entry.priority < priority { noteRaised(in: flow) }
    }

    /// Takes a generation out of its level.
    ///
    /// - Parameters:
    ///   - slot: the generation's.
    ///   - milliseconds: when it leaves.
    mutating func unplace(_ slot: Int32, at milliseconds: Int64) {
        let entry = entries[slot]
        let flow = strands[entry.strand].flow
        let priority = lines[flows[flow].line].level
        strands[entry.strand].entries.remove(at: Int(entryPlaces[Int(slot)]), &entryPlaces)
        entries[slot].strand = -1
        count(entry, in: flow, by: -1)
        refresh(entry.strand)
        if entry.priority < priority { noteRaisedLeft(flow, at: milliseconds) }
        if let level = levelIndex(priority), levels[level].count == 0 { dropLevel(level) }
    }

    private mutating func count(_ entry: Entry, in flow: Int32, by sign: Int) {
        flows[flow].count += sign
        flows[flow].cost = flows[flow].count == 0 ? 0 : flows[flow].cost + Double(sign) * entry.cost
        guard let level = levelIndex(lines[flows[flow].line].level) else { return }
        levels[level].count += sign
        levels[level].cost = levels[level].count == 0 ? 0 : levels[level].cost + Double(sign) * entry.cost
    }

    /// The generation that is first in a flow.
    func firstEntry(of flow: Int32) -> Int32? {
        flows[flow].strands.first.flatMap { strands[$0.slot].entries.first?.slot }
    }

    // MARK: Strands

    private mutating func strand(of flow: Int32, priority: Int, group: Int32) -> Int32 {
        let name = StrandName(flow: flow, priority: priority, group: group)
        if let strand = strandNames[name] { return strand }
        var strand = Strand(flow: flow, priority: priority, group: group)
        if group >= 0 { strand.groupPlace = strandsOfGroup[Int(group)].count }
        let slot = strands.add(strand)
        strandNames[name] = slot
        if group >= 0 { strandsOfGroup[Int(group)].append(slot) }
        return slot
    }

    /// Brings everything above a strand in line with what is first in it.
    private mutating func refresh(_ slot: Int32) {
        let strand = strands[slot]
        let place = slot < strandPlaces.count ? Int(strandPlaces[Int(slot)]) : -1
        if let first = strand.entries.first {
            if place < 0 {
                flows[strand.flow].strands.insert(slot, first.key, &strandPlaces)
            } else if flows[strand.flow].strands.items[place].key != first.key {
                flows[strand.flow].strands.update(at: place, first.key, &strandPlaces)
            }
        } else {
            if place >= 0 { flows[strand.flow].strands.remove(at: place, &strandPlaces) }
            removeFromGroup(strand)
            strandNames[StrandName(flow: strand.flow, priority: strand.priority, group: strand.group)] = nil
            strands.remove(slot, leaving: Strand())
        }
        refreshFlow(strand.flow)
    }

    private mutating func removeFromGroup(_ strand: Strand) {
        guard strand.group >= 0 else { return }
        let group = Int(strand.group)
        let last = strandsOfGroup[group].removeLast()
        guard strand.groupPlace < strandsOfGroup[group].count else { return }
        strandsOfGroup[group][strand.groupPlace] = last
        strands[last].groupPlace = strand.groupPlace
    }

    // MARK: Flows

    private mutating func flow(of tenant: Int32, in line: Int32) -> Int32 {
        let priority = lines[line].level
        guard let level = levelIndex(priority) else { return -1 }
        if let found = levels[level].members[tenant]?.first(where: { flows[$0].line == line }) { return found }
        let tag = levels[level].time - lines[line].shift
        let flow = flows.add(Flow(tenant: tenant, line: line, tag: tag, started: takes))
        tenants.use(tenant)
        levels[level].members[tenant, default: []].append(flow)
        levels[level].idle += 1
        lines[line].members += 1
        return flow
    }

    /// The flow of a tenant in a line, even if it has nothing waiting there.
    mutating func idleFlow(of tenant: TenantID, in line: Int32) -> Int32 {
        let number = tenants.use(tenant).number
        defer { tenants.release(number) }
        return flow(of: number, in: line)
    }

    /// Brings a line in line with what is first in a flow; lets go of a flow that has nothing waiting and owes nothing.
    mutating func refreshFlow(_ slot: Int32) {
        let flow = flows[slot]
        guard let level = levelIndex(lines[flow.line].level) else { return }
        let place = slot < flowPlaces.count ? Int(flowPlaces[Int(slot)]) : -1
        scheduleRise(of: slot)
        if let first = flow.strands.first, !isHeld(flow.tenant) {
            var tag = flow.tag
            if place < 0 {
                levels[level].idle -= 1
                let start = levels[level].time - lines[flow.line].shift
                if tag <= start {
                    tag = start
                    flows[slot].tag = tag
                    flows[slot].started = takes
                }
                lines[flow.line].flows.insert(slot, Turn(tag: tag, age: first.key), &flowPlaces)
            } else if lines[flow.line].flows.items[place].key != Turn(tag: tag, age: first.key) {
                lines[flow.line].flows.update(at: place, Turn(tag: tag, age: first.key), &flowPlaces)
            }
            return
        }
        if place >= 0 {
            lines[flow.line].flows.remove(at: place, &flowPlaces)
            levels[level].idle += 1
        }
        sweep(level)
    }

    /// Sets a flow's tag.
    mutating func setTag(of slot: Int32, to tag: Double) {
        flows[slot].tag = tag
        let place = slot < flowPlaces.count ? Int(flowPlaces[Int(slot)]) : -1
        guard place >= 0 else { return }
        let line = flows[slot].line
        lines[line].flows.update(at: place, Turn(tag: tag, age: lines[line].flows.items[place].key.age), &flowPlaces)
    }

    /// Lets go of the flows of a level that owe nothing, once there are many.
    private mutating func sweep(_ level: Int) {
        guard levels[level].idle >= levels[level].sweepAt else { return }
        let time = levels[level].time
        for flow in levels[level].members.values.joined() {
            guard flows[flow].count == 0, flows[flow].tag + lines[flows[flow].line].shift <= time else { continue }
            dropFlow(flow, of: level)
        }
        levels[level].sweepAt = max(64, 2 * levels[level].idle)
    }

    private mutating func dropFlow(_ slot: Int32, of level: Int) {
        let flow = flows[slot]
        levels[level].members[flow.tenant]?.removeAll { $0 == slot }
        if levels[level].members[flow.tenant]?.isEmpty == true {
            levels[level].members[flow.tenant] = nil
            levels[level].servedAt[flow.tenant] = nil
        }
        levels[level].idle -= 1
        tenants.release(flow.tenant)
        flows.remove(slot, leaving: Flow())
        lines[flow.line].members -= 1
        guard lines[flow.line].members == 0 else { return }
        levels[level].lines.removeAll { $0 == flow.line }
        lanes.release(lines[flow.line].lane)
        lines.remove(flow.line, leaving: Line())
    }

    // MARK: Lines and levels

    private mutating func line(of lane: Int32, in priority: Int) -> Int32 {
        let level = levels.firstIndex { $0.priority <= priority } ?? levels.count
        if level == levels.count || levels[level].priority != priority {
            levels.insert(Level(priority: priority), at: level)
        }
        if let found = levels[level].lines.first(where: { lines[$0].lane == lane }) { return found }
        let line = lines.add(Line(level: priority, lane: lane))
        lanes.use(lane)
        levels[level].lines.append(line)
        return line
    }

    /// Where a level is, if something waits in it.
    func levelIndex(_ priority: Int) -> Int? {
        levels.firstIndex { $0.priority == priority }
    }

    /// Lets go of a level in which nothing waits; what its tenants have had there is forgotten.
    private mutating func dropLevel(_ level: Int) {
        for flow in levels[level].members.values.joined() { dropFlow(flow, of: level) }
        levels.remove(at: level)
    }
}
