/// What many generations have in common is kept once.
extension FairQueue {
    mutating func useTraits(of waiting: WaitingGeneration) -> Int32 {
        let value = Traits(
            lane: waiting.lane,
            work: waiting.work,
            batchKey: waiting.batchKey,
            degradation: waiting.degradation,
            plan: waiting.plan,
            hasStarted: waiting.hasStarted,
            runningLimit: waiting.runningLimit
        )
        let (number, isNew) = traits.use(value)
        guard isNew else { return number }
        let lane = lanes.use(value.lane).number
        var group: Int32 = -1
        if let key = value.group { group = groups.use(key).number }
        Self.set(&laneOfTraits, at: number, to: lane, filling: -1)
        Self.set(&groupOfTraits, at: number, to: group, filling: -1)
        if group >= 0, strandsOfGroup.count <= Int(group) { Self.set(&strandsOfGroup, at: group, to: [], filling: []) }
        return number
    }

    mutating func releaseTraits(_ number: Int32) {
        guard traits.release(number) else { return }
        lanes.release(laneOfTraits[Int(number)])
        if groupOfTraits[Int(number)] >= 0 { groups.release(groupOfTraits[Int(number)]) }
    }

    private static func set<Value>(_ values: inout [Value], at number: Int32, to value: Value, filling blank: Value) {
        while values.count <= Int(number) { values.append(blank) }
        values[Int(number)] = value
    }

    /// A generation as it came.
    func waiting(_ slot: Int32) -> WaitingGeneration? {
        let entry = entries[slot]
        guard let traits = traits[entry.traits], let tenant = tenants[entry.tenant] else { return nil }
        return WaitingGeneration(
            id: entry.id,
            tenant: tenant,
            weight: entry.weight,
            priority: entry.priority,
            lane: traits.lane,
            cost: entry.cost,
            work: traits.work,
            batchKey: traits.batchKey,
            degradation: traits.degradation,
            plan: traits.plan,
            since: entry.since,
            notBefore: entry.notBefore,
            hasStarted: traits.hasStarted,
            runningLimit: traits.runningLimit
        )
    }
}
