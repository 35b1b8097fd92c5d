import Tasks

/// How long work takes on each group of devices.
struct ForecastTimes {
    /// Devices that are alike.
    struct Group {
        var kind: DeviceKind
        var totalBytes: Int64
    }

    struct Seconds {
        var warm: Double
        var cold: Double
        var write: Double
    }

    let groups: [Group]
    let models: [String: ModelFacts]
    let costs: CostModel
    let memory: MemoryModel

    /// By group; `nil` where it does not fit.
    func times(of work: Work) -> [Seconds?] {
        guard let model = models[work.model] else { return groups.map { _ in nil } }
        let modes = groups.map { memory.mode(for: work, model: model, capacity: $0.totalBytes) }
        // What fits nowhere is tried in the most sparing mode where there is most room.
        let isLastResort = modes.allSatisfy { $0 == nil }
        let largest = groups.lazy.map(\.totalBytes).max()
        return zip(groups, modes).map { group, mode in
            let tried = isLastResort && group.totalBytes == largest ? model.memoryModes.last : mode
            return tried.map { mode in
                let estimate = costs.estimate(work, model: model, mode: mode, on: group.kind)
                return Seconds(
                    warm: estimate.deviceSeconds(isWarm: true),
                    cold: estimate.deviceSeconds(isWarm: false),
                    write: estimate.write
                )
            }
        }
    }

    /// By group, how many times as fast as the reference it makes the samples; as fast as its make is expected to be
    /// where there are none.
    func speeds(_ samples: [Work], reference: DeviceKind) -> [Double] {
        var expected = 0.0
        var real = [Double](repeating: 0, count: groups.count)
        for work in samples {
            guard let model = models[work.model] else { continue }
            let times = times(of: work)
            guard times.allSatisfy({ $0 != nil }) else { continue }
            expected += costs.cost(of: work, model: model, on: reference)
            for (index, time) in times.enumerated() { real[index] += time?.warm ?? 0 }
        }
        return groups.indices.map { index in
            if expected > 0, real[index] > 0 { return expected / real[index] }
            return groups[index].kind.expectedSpeed / reference.expectedSpeed
        }
    }
}
