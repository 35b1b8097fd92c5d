package import Tasks

/// When those that wait are predicted to start and to end.
///
/// Pure. The first of the queue are placed one after the other, each on the engine that can take it first, as placement
/// would; what is further behind is told from the device time that comes before it.
package struct Forecast: Sendable {
    /// Of one generation that waits.
    package struct Entry: Sendable, Equatable {
        /// 1 is next.
        package var queuePosition: Int
        /// Seconds of the caller's clock; infinite while no engine can take it.
        package var start: Double
        /// When its file is complete; seconds of the caller's clock; infinite while no engine can take it.
        package var end: Double
    }

    /// Generations that are placed one by one.
    package static let limit = 512

    /// An engine, and when it is free.
    private struct Slot {
        /// Of devices that are alike.
        var group: Int
        var free: Double
        var model: String?
    }

    private var entries: [GenerationID: Entry] = [:]
    /// By when they are free: that moment, and how many times as fast as the reference they are.
    private var capacity: [(free: Double, speed: Double)] = []

    /// Predicts.
    ///
    /// - Parameters:
    ///   - order: what waits, in fair order; what is beyond `limit` is left out.
    ///   - devices: all.
    ///   - models: by name.
    ///   - costs: for how long a device is taken.
    ///   - memory: for what fits where.
    ///   - reference: the make of device that costs are told for.
    ///   - now: seconds of the caller's clock.
    package init(
        order: [WaitingGeneration],
        devices: [DeviceView],
        models: [String: ModelFacts],
        costs: CostModel,
        memory: MemoryModel,
        reference: DeviceKind = .reference,
        now: Double
    ) {
        let (idle, groups) = Self.slots(of: devices, at: now)
        var slots = idle
        let first = order.prefix(Self.limit)
        let plans = ForecastTimes(groups: groups, models: models, costs: costs, memory: memory)
        let speeds = plans.speeds(first.prefix(Self.samples).map(\.plannedWork), reference: reference)
        capacity = slots.map { (max($0.free, now), speeds[$0.group]) }.sorted { $0.free < $1.free }
        place(first, on: &slots, plans)
    }

    /// Generations that the speed of a device is told from.
    private static let samples = 16

    /// What is predicted of one that waits; `nil` if it is too far behind.
    package subscript(id: GenerationID) -> Entry? { entries[id] }

    /// When something would start that has so much before it.
    ///
    /// - Parameter ahead: seconds of device time on the reference device.
    /// - Returns: seconds of the caller's clock; `nil` if there is no engine.
    package func start(behind ahead: Double) -> Double? {
        var speed = 0.0
        var left = max(0, ahead)
        for (index, engine) in capacity.enumerated() {
            speed += engine.speed
            let next = index + 1 < capacity.count ? capacity[index + 1].free : .infinity
            // All engines that are free by now work it off until the next one joins them.
            if left <= speed * (next - engine.free) { return engine.free + left / speed }
            left -= speed * (next - engine.free)
        }
        return nil
    }

    // MARK: List scheduling

    private static func slots(of devices: [DeviceView], at now: Double) -> ([Slot], [ForecastTimes.Group]) {
        var slots: [Slot] = []
        var groups: [ForecastTimes.Group] = []
        for device in devices where !device.isDraining {
            var group = groups.firstIndex { $0.totalBytes == device.totalBytes && $0.kind == device.kind }
            for engine in device.engines {
                let free: Double
                switch engine.state {
                case .ready, .asleep, .starting: free = now
                case .busy(let until): free = max(now, until)
                case .down: continue
                }
                if group == nil {
                    groups.append(ForecastTimes.Group(kind: device.kind, totalBytes: device.totalBytes))
                    group = groups.count - 1
                }
                slots.append(Slot(group: group ?? 0, free: free, model: engine.warm?.model))
            }
        }
        return (slots, groups)
    }

    private mutating func place(
        _ order: ArraySlice<WaitingGeneration>,
        on slots: inout [Slot],
        _ plans: ForecastTimes
    ) {
        var known: [Work: [ForecastTimes.Seconds?]] = [:]
        for (index, waiting) in order.enumerated() {
            let work = waiting.plannedWork
            let times = known[work] ?? plans.times(of: work)
            known[work] = times
            guard let slot = Self.first(of: slots, for: work.model, times), let time = times[slots[slot].group] else {
                // Its place is known, and no engine that could take it.
                entries[waiting.id] = Entry(queuePosition: index + 1, start: .infinity, end: .infinity)
                continue
            }
            let start = slots[slot].free
            let seconds = slots[slot].model == work.model ? time.warm : time.cold
            slots[slot].free = start + seconds
            slots[slot].model = work.model
            entries[waiting.id] = Entry(queuePosition: index + 1, start: start, end: start + seconds + time.write)
        }
    }

    /// The slot that is free first; of those that are free at the same time the one that is done first.
    private static func first(of slots: [Slot], for model: String, _ times: [ForecastTimes.Seconds?]) -> Int? {
        var best: Int?
        var bestSeconds = 0.0
        for index in slots.indices {
            guard let time = times[slots[index].group] else { continue }
            if let best, slots[index].free > slots[best].free { continue }
            let seconds = slots[index].model == model ? time.warm : time.cold
            if let best, slots[index].free == slots[best].free, seconds >= bestSeconds { continue }
            best = index
            bestSeconds = seconds
        }
        return best
    }
}
