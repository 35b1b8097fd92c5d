import Engine
import Logging
import ServiceLifecycle
import Synchronization
import Tasks

/// Knows when what waits is likely to be served: works out the near part of the queue again and again, and gives each
/// new generation a first prediction at once.
package final class Forecaster: Service {
    /// What weighs on the engines.
    struct Pressure: Sendable {
        var waiting = 0
        /// Seconds until a new generation would start.
        var wait = 0.0
        /// Seconds from waking an engine until it has a model on the device.
        var startSeconds = 60.0
    }

    private struct State {
        /// Of the last look.
        var forecast: Forecast?
        /// What was predicted for those that have come since, or stand further back.
        var first: [GenerationID: Forecast.Entry] = [:]
        var pressure = Pressure()
    }

    /// Up to so many that wait, a new one is placed exactly; beyond that it would hold up those who submit.
    private static let exactFirst = 64
    private static let maximumFirst = 10_000
    /// The least time between two looks, so that a rush of changes costs no more than a few.
    private static let leastPause: Duration = .milliseconds(250)
    /// The most, while nothing happens.
    private static let longestPause: Duration = .seconds(2)

    private let store: any TaskStore
    private let settings: SchedulingSettings
    private let clock: any ServiceClock
    private let deployment: Deployment
    private let book: CostBook
    private let wake: WakeSignal
    private let metrics: SchedulingMetrics
    private let logger: Logger
    private let state = Mutex(State())

    init(
        store: any TaskStore,
        settings: SchedulingSettings,
        clock: any ServiceClock,
        deployment: Deployment,
        book: CostBook,
        wake: WakeSignal,
        metrics: SchedulingMetrics,
        logger: Logger
    ) {
        self.store = store
        self.settings = settings
        self.clock = clock
        self.deployment = deployment
        self.book = book
        self.wake = wake
        self.metrics = metrics
        self.logger = logger
    }

    package func run() async throws {
        await cancelWhenGracefulShutdown { [self] in
            while !Task.isCancelled {
                let seen = wake.count
                await look()
                // The only error is the cancellation, which the loop looks for.
                try? await clock.sleep(for: Self.leastPause)
                await wake.wait(after: seen, atMost: Self.longestPause, clock)
            }
        }
    }

    var pressure: Pressure { state.withLock { $0.pressure } }

    /// What is predicted for a generation that waits.
    func outlook(of id: GenerationID, at now: Double) -> TaskOutlook {
        let entry = state.withLock { $0.forecast?[id] ?? $0.first[id] }
        guard let entry else { return .none }
        return TaskOutlook(
            queuePosition: entry.queuePosition,
            etaSeconds: entry.end.isFinite ? max(0, entry.end - now) : nil
        )
    }

    /// When a generation would start that has so much device time before it.
    ///
    /// - Parameters:
    ///   - seconds: of device time on the reference device.
    ///   - now: monotonic seconds.
    /// - Returns: in so many seconds; `nil` if no engine could take it.
    func wait(behind seconds: Double, at now: Double) -> Double? {
        // With what runs as it is now: the last look may be from before the last claim.
        forecast(of: [], at: now).start(behind: seconds).map { max(0, $0 - now) }
    }

    /// Gives a generation that has just come its first prediction.
    ///
    /// - Parameters:
    ///   - generation: in the queue.
    ///   - cost: predicted seconds of device time.
    func add(_ generation: Generation, cost: Double) async {
        do throws(TaskStoreError) {
            let ahead = try await store.ahead(of: generation.tenant, weight: 1, priority: generation.priority)
            let queue = try await store.heads()
            let now = clock.monotonicTime().inSeconds
            var entry: Forecast.Entry?
            if queue.count <= Self.exactFirst {
                entry = forecast(of: try await store.waiting(limit: Self.exactFirst), at: now)[generation.id]
            }
            // By now it is among those ahead of the next one.
            if entry == nil, let wait = wait(behind: max(0, ahead - cost), at: now) {
                entry = Forecast.Entry(queuePosition: max(1, queue.count), start: now + wait, end: now + wait + cost)
            }
            guard let entry else { return }
            if entry.end.isFinite { metrics.predicted(generation.id, seconds: entry.end - now) }
            state.withLock { state in
                if state.first.count >= Self.maximumFirst { state.first = [:] }
                state.first[generation.id] = entry
            }
        } catch {
            // Nothing is said of it until the next look.
            logger.warning("A generation could not be predicted", metadata: ["code": "\(error.code)"])
        }
    }

    /// What is predicted for a task that would be the only one to wait, the loading of its model included.
    ///
    /// - Parameters:
    ///   - task: not submitted.
    ///   - now: monotonic seconds.
    /// - Returns: `nil` if others wait.
    /// - Throws: what the store says.
    func entry(ifAloneInQueue task: NewTask, at now: Double) async throws(TaskStoreError) -> Forecast.Entry? {
        guard try await store.heads().count == 0 else { return nil }
        let waiting = WaitingGeneration(
            id: GenerationID(rawValue: 0),
            tenant: task.tenant,
            lane: Lane(model: task.model, memoryBytes: task.memoryBytes),
            cost: task.cost,
            work: task.request.work(model: task.model),
            since: clock.wallTime()
        )
        return forecast(of: [waiting], at: now)[waiting.id]
    }

    /// How the model would be held on the largest device that takes work; `nil` if there is none.
    func memoryMode(of work: Work) -> MemoryMode? {
        let devices = deployment.views(at: clock.monotonicTime().inSeconds).filter { !$0.isDraining }
        guard let model = deployment.facts(wanted: settings.memoryMode)[work.model],
            let capacity = devices.map(\.totalBytes).max()
        else { return nil }
        return book.models.memory.mode(for: work, model: model, capacity: capacity)
    }

    // MARK: Looking

    private func look() async {
        do throws(TaskStoreError) {
            let queue = try await store.heads()
            let order = queue.count == 0 ? [] : try await store.waiting(limit: Forecast.limit)
            let now = clock.monotonicTime().inSeconds
            let forecast = forecast(of: order, at: now)
            let pressure = Pressure(
                waiting: queue.count,
                wait: forecast.start(behind: queue.cost).map { max(0, $0 - now) } ?? .infinity,
                startSeconds: startSeconds(of: order.first)
            )
            state.withLock { state in
                state.forecast = forecast
                state.pressure = pressure
                // Those that are not looked at one by one keep their first prediction.
                if queue.count <= order.count { state.first = [:] }
            }
        } catch {
            logger.warning("The queue could not be looked at", metadata: ["code": "\(error.code)"])
        }
    }

    private func forecast(of order: [WaitingGeneration], at now: Double) -> Forecast {
        let (costs, memory) = book.models
        return Forecast(
            order: order,
            devices: deployment.views(at: now),
            models: deployment.facts(wanted: settings.memoryMode),
            costs: costs,
            memory: memory,
            reference: deployment.reference,
            now: now
        )
    }

    /// How long an engine takes to its first step if it is woken for a generation.
    private func startSeconds(of waiting: WaitingGeneration?) -> Double {
        guard let work = waiting?.work, let model = deployment.facts(wanted: settings.memoryMode)[work.model],
            let mode = model.memoryModes.first
        else { return Pressure().startSeconds }
        return book.models.costs.estimate(work, model: model, mode: mode, on: deployment.reference).load
    }
}
