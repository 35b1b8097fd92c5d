import Scheduling
import Tasks
import TasksSQLite

/// What decides which generation runs where, and when.
extension SettingsTable {
    static let scheduling: [Setting] = [
        .integer(
            "queue.limit",
            \.scheduling.admission.maxWaiting,
            1...10_000_000,
            "Generations that may wait; further requests get 429."
        ),
        .integer(
            "queue.maxFailures",
            \.scheduling.retries.maxFailures,
            1...100,
            "Attempts that may fail before the task does."
        ),
        .duration(
            "queue.drainTimeout",
            \.scheduling.drainTimeout,
            0...86_400,
            "How long a running generation may go on at shutdown; then it waits for the next start."
        ),
        .duration(
            "queue.leastRun",
            \.scheduling.preemption.leastRun,
            0...86_400,
            "How long a generation runs before it makes way for a more urgent one."
        ),
        .optionalDuration(
            "queue.maxWait",
            \.scheduling.admission.maxWait,
            "How long a new request may be predicted to wait; beyond that it gets 429. Nothing: any time."
        ),
        .duration(
            "queue.aging",
            \.store.aging,
            0...31_536_000,
            "When a tenant has waited so long in a priority, its first there is treated as one higher; 0: never."
        ),
        .integer(
            "batch.size",
            \.scheduling.batch.size,
            1...16,
            "Generations that may share a pass of the model."
        ),
        .duration(
            "batch.window",
            \.scheduling.batch.window,
            0...3600,
            "How long a generation waits for others to share its pass with."
        ),
        .values(
            "degradation.ladder",
            \.scheduling.degradation.ladder,
            accepts: "list of WAIT:steps:SHARE, WAIT:step_cache:LEVEL, WAIT:frames:SHARE, WAIT:size:SHARE, or nothing",
            "From which predicted wait on, in seconds, what is made less of for requests that allow it.",
            show: { $0.map(\.text).joined(separator: ",") },
            parse: DegradationPolicy.Rung.init(text:)
        ),
        .number(
            "placement.utilisationWeight",
            \.scheduling.placement.utilisationWeight,
            0...1000,
            "What it counts in the choice of a device that nobody else uses it."
        ),
        .number(
            "placement.memoryWeight",
            \.scheduling.placement.memoryWeight,
            0...1000,
            "What free memory counts, by its share of the device's, in the choice of a device."
        ),
        .number(
            "placement.warmBonus",
            \.scheduling.placement.warmBonus,
            0...1000,
            "What it counts that an engine holds the model already."
        ),
        .integer("engine.maxPerDevice", \.engine.maxPerDevice, 1...64, "Engines that a device may have."),
        .integer(
            "engine.minPerDevice",
            \.scheduling.scaling.minEngines,
            0...64,
            "Engines of a device that keep their process, however long they are idle."
        ),
        .optionalDuration(
            "engine.parkAfter",
            \.scheduling.scaling.parkAfter,
            "After how long without work a model leaves its device for the machine's memory. Nothing: never."
        ),
        .optionalDuration(
            "engine.sleepAfter",
            \.scheduling.scaling.sleepAfter,
            "After how long without work an engine's process ends, until there is work again. Nothing: never."
        ),
        .duration(
            "scale.targetWait",
            \.scheduling.workers.targetWait,
            1...31_536_000,
            "How long what waits may wait: /api/v1/scale asks for as many devices as that takes."
        ),
        .integer(
            "scale.minimum",
            \.scheduling.workers.minimum,
            0...100_000,
            "Devices that it asks for with nothing to do."
        ),
        .integer("scale.maximum", \.scheduling.workers.maximum, 1...100_000, "Devices that it asks for at most."),
        .duration(
            "scale.stabilisation",
            \.scheduling.workers.stabilisation,
            0...86_400,
            "It asks for fewer only once no more were needed for so long."
        ),
        .duration("devices.probeInterval", \.probeInterval, 0.1...3600, "How often the devices are looked at."),
    ]
}

extension DegradationPolicy.Rung {
    /// Reads a rung as settings write it; `nil` if it is none.
    init?(text: String) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 3, let wait = Double(parts[0]), (0...31_536_000).contains(wait) else { return nil }
        let share = Double(parts[2]).flatMap { $0 > 0 && $0 <= 1 ? $0 : nil }
        let action: DegradationPolicy.Action? =
            switch parts[1] {
            case "steps": share.map(DegradationPolicy.Action.steps)
            case "frames": share.map(DegradationPolicy.Action.frames)
            case "size": share.map(DegradationPolicy.Action.size)
            case "step_cache": StepCacheLevel(rawValue: parts[2]).map(DegradationPolicy.Action.stepCache)
            default: nil
            }
        guard let action else { return nil }
        self.init(afterWait: .seconds(wait), action: action)
    }

    /// As settings write it.
    var text: String {
        let rest =
            switch action {
            case .steps(let share): "steps:\(share)"
            case .stepCache(let level): "step_cache:\(level.rawValue)"
            case .frames(let share): "frames:\(share)"
            case .size(let share): "size:\(share)"
            }
        return "\(Setting.number(afterWait.inSeconds)):\(rest)"
    }
}
