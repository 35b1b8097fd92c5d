/// What came of a simulation.
///
/// Times are in seconds, money in whatever currency the prices are in.
package struct SimulationReport: Sendable, Equatable, Codable {
    /// How long the fleet was there.
    package var seconds: Double
    package var counts: Counts
    /// From the request to the start of its generation; cached answers do not wait and are not in it.
    package var wait: Durations
    /// The mean share of devices that computed.
    package var utilisation: Double
    package var queue: Queue
    /// Jain's index of what tenants got for their weight.
    package var fairness: Double
    /// `nil`: no price was named for some of the devices.
    package var cost: Double?
    package var costPerVideo: Double?
    package var priorities: [Priority]
    package var tenants: [Tenants]
    package var devices: [Devices]
    /// `nil`: all devices were always there.
    package var scaling: Scaling?

    /// Devices that came and went.
    package struct Scaling: Sendable, Equatable, Codable {
        /// Devices that were there or coming, all groups together.
        package var mean: Double
        package var peak: Int
        /// How many times one was asked for.
        package var starts: Int
    }

    /// Requests, and what became of them.
    package struct Counts: Sendable, Equatable, Codable {
        package var requests = 0
        /// Answered with a video that was there.
        package var cacheHits = 0
        /// Attached to a generation in flight.
        package var coalesced = 0
        package var refusedQueueFull = 0
        package var refusedWaitTooLong = 0
        /// No device of the fleet could ever take them.
        package var impossible = 0
        package var generations = 0
        package var finished = 0
        /// Of the finished.
        package var degraded = 0
        /// Of the finished, in a pass with others.
        package var batched = 0
        /// At the end of the simulation.
        package var waiting = 0
        package var running = 0

        package init() {}

        package var refused: Int { refusedQueueFull + refusedWaitTooLong }

        /// The share of accepted requests that needed no generation.
        package var hitShare: Double {
            let accepted = requests - refused - impossible
            return accepted > 0 ? Double(cacheHits + coalesced) / Double(accepted) : 0
        }
    }

    /// How long something took, over many; percentiles to within 1 %.
    package struct Durations: Sendable, Equatable, Codable {
        package var count: Int
        package var mean: Double
        package var p50: Double
        package var p90: Double
        package var p95: Double
        package var p99: Double
        package var max: Double

        init(_ histogram: DurationHistogram) {
            count = Int(histogram.count)
            mean = histogram.mean
            p50 = histogram.percentile(0.5)
            p90 = histogram.percentile(0.9)
            p95 = histogram.percentile(0.95)
            p99 = histogram.percentile(0.99)
            max = histogram.maximum
        }
    }

    /// Generations that waited.
    package struct Queue: Sendable, Equatable, Codable {
        package var mean: Double
        package var peak: Double
        package var end: Int
    }

    package struct Priority: Sendable, Equatable, Codable {
        package var priority: String
        package var wait: Durations
    }

    /// One group of tenants.
    package struct Tenants: Sendable, Equatable, Codable {
        package var name: String
        package var tenants: Int
        package var weight: Double
        package var priority: String
        package var counts: Counts
        package var wait: Durations
        /// From the request to the video, cached answers included.
        package var answer: Durations
        package var deviceSeconds: Double
        /// Jain's index among the tenants of the group.
        package var fairness: Double
    }

    /// One group of devices.
    package struct Devices: Sendable, Equatable, Codable {
        package var name: String
        package var kind: String
        package var count: Int
        package var utilisation: Double
        /// Of those that were there or coming, whether they computed or not.
        package var deviceHours: Double
        package var busyHours: Double
        package var generations: Int
        /// How often a model was brought into the memory of a device.
        package var loads: Int
        package var pricePerHour: Double?
        package var cost: Double?
    }
}
