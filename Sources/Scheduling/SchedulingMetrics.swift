import Metrics
import Synchronization
import Tasks

/// What is counted of tasks, from their acceptance to their end.
final class SchedulingMetrics: Sendable {
    /// What stands where there is no code.
    private static let noCode = "none"
    /// Predictions that are kept until their generations end.
    private static let maximumPredictions = 10_000

    private let factory: any MetricsFactory
    private let submissions: [Submission.Disposition: [TaskPriority: Counter]]
    private let queueTimes: [TaskPriority: Metrics.Timer]
    private let succeeded: Counter
    private let cancelled: Counter
    private let passes = Recorder(label: "animato_pass_generations")
    private let etaRatio = Recorder(label: "animato_eta_ratio")
    private let resumes = Counter(label: "animato_resumes_total")
    private let expiredLeases = Counter(label: "animato_leases_expired_total")
    private let missedNews = Counter(label: "animato_news_missed_total")
    private let degraded: [Degradation.Reason: Counter]
    /// By device.
    private let idleTimes: [String: FloatingPointCounter]
    /// What was predicted when a generation was accepted, in seconds until its end.
    private let predictions = Mutex<[GenerationID: Double]>([:])

    /// - Parameter devices: whose engines work here.
    init(devices: [String]) {
        let factory = MetricsSystem.factory
        self.factory = factory
        submissions = Self.each(Submission.Disposition.allCases) { disposition in
            Self.each(TaskPriority.allCases) { priority in
                let labels = [("outcome", disposition.rawValue), ("priority", priority.rawValue)]
                return Counter(label: "animato_submissions_total", dimensions: labels)
            }
        }
        queueTimes = Self.each(TaskPriority.allCases) {
            Metrics.Timer(label: "animato_queue_seconds", dimensions: [("priority", $0.rawValue)])
        }
        degraded = Self.each(Degradation.Reason.allCases) {
            Counter(label: "animato_degraded_total", dimensions: [("reason", $0.rawValue)])
        }
        idleTimes = Self.each(devices) {
            FloatingPointCounter(label: "animato_device_idle_seconds_total", dimensions: [("device", $0)])
        }
        succeeded = Self.end("succeeded", Self.noCode, factory)
        cancelled = Self.end("cancelled", Self.noCode, factory)
        showFromTheStart()
    }

    // MARK: Coming

    func submitted(_ disposition: Submission.Disposition, _ priority: TaskPriority) {
        submissions[disposition]?[priority]?.increment()
    }

    /// Keeps what was predicted for a new generation; of too many the older half goes.
    ///
    /// A generation may have ended before it is told of: nobody then asks for its prediction any more.
    func predicted(_ id: GenerationID, seconds: Double) {
        predictions.withLock { predictions in
            if predictions.count >= Self.maximumPredictions {
                let middle = predictions.keys.map(\.rawValue).sorted()[predictions.count / 2]
                predictions = predictions.filter { $0.key.rawValue >= middle }
            }
            predictions[id] = seconds
        }
    }

    /// How many predictions are kept.
    var predictionCount: Int { predictions.withLock { $0.count } }

    // MARK: Running

    /// Counts the wait of a generation that was claimed, if it was claimed for the first time.
    func claimed(_ generation: Generation) {
        guard generation.attempts == 1, let started = generation.startedAt else { return }
        let waited = generation.createdAt.duration(to: started)
        queueTimes[TaskPriority(rank: generation.priority)]?.record(duration: max(.zero, waited))
    }

    /// Counts a pass of so many generations.
    ///
    /// - Parameters:
    ///   - generations: that share it.
    ///   - device: where it runs.
    ///   - idle: the seconds for which the device had nothing to do before, while the first of them waited.
    func began(_ generations: Int, on device: String, afterIdle idle: Double) {
        passes.record(generations)
        idleTimes[device]?.increment(by: idle)
    }

    func resumed() {
        resumes.increment()
    }

    func outOfMemory(in stage: String?) {
        count("animato_out_of_memory_total", ("stage", stage ?? "unknown"))
    }

    /// Counts generations that wait again.
    func requeued(_ code: String, count: Int = 1) {
        guard count > 0 else { return }
        self.count("animato_requeues_total", ("code", Self.label(code)), by: count)
    }

    func leasesExpired(_ count: Int) {
        expiredLeases.increment(by: count)
    }

    /// Counts what an attempt took that has made a video.
    ///
    /// - Parameters:
    ///   - model: what made it.
    ///   - duration: until the video was kept.
    ///   - stages: seconds of each.
    ///   - steps: those that this attempt has done.
    func made(with model: String, in duration: Duration, stages: [(name: String, seconds: Double)], steps: Int) {
        timer("animato_generation_duration_seconds", [("model", model)]).record(duration: duration)
        for (name, seconds) in stages where seconds > 0 {
            let labels = [("model", model), ("stage", name)]
            timer("animato_stage_duration_seconds", labels).recordSeconds(seconds)
            if name == GenerationProgress.Stage.denoise.rawValue, steps > 0 {
                timer("animato_step_duration_seconds", [("model", model)]).recordSeconds(seconds / Double(steps))
            }
        }
    }

    // MARK: Ending

    /// Counts a generation that has its video.
    ///
    /// - Parameters:
    ///   - generation: with its result.
    ///   - now: of the store.
    func succeeded(_ generation: Generation, at now: Timestamp) {
        succeeded.increment()
        if let degradation = Degradation(of: generation) { degraded[degradation.reason]?.increment() }
        guard let predicted = predictions.withLock({ $0.removeValue(forKey: generation.id) }), predicted > 0 else {
            return
        }
        etaRatio.record(max(0, generation.createdAt.duration(to: now).inSeconds) / predicted)
    }

    func failed(_ id: GenerationID, _ code: String) {
        failed(Self.label(code), count: 1)
        forget(id)
    }

    /// Counts generations that failed without having been worked on at the end.
    func failed(_ code: String, count: Int) {
        guard count > 0 else { return }
        Self.end("failed", code, factory).increment(by: count)
    }

    func cancelled(_ id: GenerationID) {
        cancelled.increment()
        forget(id)
    }

    /// Forgets what was kept of a generation that another process may have counted.
    func abandoned(_ id: GenerationID) {
        forget(id)
    }

    /// Counts that some news of the store was not read in time or got lost.
    func newsMissed() {
        missedNews.increment()
    }

    private func forget(_ id: GenerationID) {
        predictions.withLock { $0[id] = nil }
    }

    // MARK: Parts

    /// Has the series that matter most when they move at 0 before they do.
    private func showFromTheStart() {
        let codes = ["out_of_memory", "engine_crashed", "engine_stalled", "lease_expired"]
        for code in codes { Self.end("failed", code, factory).increment(by: 0) }
        for code in codes + ["yielded"] { count("animato_requeues_total", ("code", code), by: 0) }
        for stage in GenerationProgress.Stage.allCases.map(\.rawValue) + ["unknown"] {
            count("animato_out_of_memory_total", ("stage", stage), by: 0)
        }
    }

    private func count(_ name: String, _ label: (String, String), by amount: Int = 1) {
        Counter(label: name, dimensions: [label], factory: factory).increment(by: amount)
    }

    private func timer(_ name: String, _ labels: [(String, String)]) -> Metrics.Timer {
        Metrics.Timer(label: name, dimensions: labels, factory: factory)
    }

    private static func end(_ outcome: String, _ code: String, _ factory: any MetricsFactory) -> Counter {
        Counter(
            label: "animato_generations_total",
            dimensions: [("outcome", outcome), ("code", code)],
            factory: factory
        )
    }

    private static func each<Key: Hashable, Value>(_ keys: [Key], _ make: (Key) -> Value) -> [Key: Value] {
        Dictionary(keys.map { ($0, make($0)) }, uniquingKeysWith: { first, _ in first })
    }

    /// A code as a label: what an engine says is taken if it looks like one.
    static func label(_ code: String) -> String {
        let isCode =
            (1...64).contains(code.utf8.count)
            && code.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
                    true
                default: false
                }
            }
        return isCode ? code : "other"
    }
}
