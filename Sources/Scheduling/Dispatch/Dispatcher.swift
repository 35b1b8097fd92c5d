import Engine
import Logging
import ServiceLifecycle
import Tasks

/// Gives free engines their next generations: asks the store what waits, lets the policies decide, claims, runs.
///
/// One loop for all engines of this process.
package struct Dispatcher: Service {
    /// Longest wait before it looks for work without having been told of any.
    private static let idleLook: Duration = .seconds(30)
    /// Wait before it looks again where the store does not answer.
    private static let storePause: Duration = .seconds(1)
    /// Wait before it looks again for a generation that may make way.
    private static let urgentLook: Duration = .seconds(1)

    let store: any TaskStore
    let settings: SchedulingSettings
    let clock: any ServiceClock
    let board: EngineBoard
    let fleet: Fleet
    let deployment: Deployment
    let book: CostBook
    let wake: WakeSignal
    let running: RunningGenerations
    let forecaster: Forecaster
    let attempts: AttemptRunner
    let metrics: SchedulingMetrics
    let logger: Logger
    let worker: WorkerID

    /// Runs until shutdown; what is running then ends or goes back to the queue before this returns.
    package func run() async throws {
        // From before the first claim on, and as long as anything runs.
        let news = store.news()
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await listener.follow(news) }
            await work()
            group.cancelAll()
        }
    }

    private var listener: NewsListener {
        NewsListener(store: store, wake: wake, running: running, metrics: metrics, clock: clock, logger: logger)
    }

    private func work() async {
        await withDiscardingTaskGroup { group in
            for index in fleet.engines.indices {
                group.addTask { await watch(index) }
            }
            // Kept between rounds for the first that nothing free can take.
            var reservation: Reservation?
            var courtesy = Courtesy(deployment: deployment)
            while !isEnding {
                let seen = wake.count
                let pause = await dispatch(&reservation, &courtesy, into: &group)
                await idle(for: pause, after: seen)
            }
            fleet.noteEnding()
            wake.signal()
        }
    }

    private var isEnding: Bool { Task.isShuttingDownGracefully || Task.isCancelled }

    private var now: Double { clock.monotonicTime().inSeconds }

    /// Notes what an engine says of itself, until it or the server ends.
    private func watch(_ index: Int) async {
        let engine = fleet.engines[index]
        await untilShutdown {
            for await state in engine.states() {
                board.note(state, of: engine.device)
                switch state {
                case .starting, .restarting, .asleep, .stopped: fleet.forget(index, at: now)
                case .ready, .busy: break
                }
                wake.signal()
                if Task.isCancelled { return }
            }
        }
    }

    // MARK: One round

    /// Starts whatever can start now.
    ///
    /// - Returns: when to look again, at the latest.
    private func dispatch(
        _ reservation: inout Reservation?,
        _ courtesy: inout Courtesy,
        into group: inout DiscardingTaskGroup
    ) async -> Duration {
        /// Lanes whose head waits: for others to share its pass with, or for the store to let it be claimed.
        var held: [Lane: Double] = [:]
        while !isEnding {
            let queue: QueueHeads
            do throws(TaskStoreError) {
                queue = try await store.heads()
            } catch {
                logger.error("No work could be looked for", metadata: ["code": "\(error.code)"])
                return Self.storePause
            }
            let now = now
            let models = board.facts(wanted: settings.memoryMode)
            let views = fleet.views(at: now)
            let offered = courtesy.choose(among: queue.heads, for: views, at: now)
            let heads = offered.heads.filter { held[$0.lane] == nil }
            if let orphan = queue.heads.first(where: {
                models[$0.work.model] == nil && deployment.isCertainlyGone($0.work.model)
            }) {
                guard await give(up: orphan) else { return Self.storePause }
                continue
            }
            let (costs, memory) = book.models
            let step =
                fleet.isDraining
                ? .nothing(until: nil)
                : settings.placement.next(
                    heads: heads,
                    devices: views,
                    models: models,
                    costs: costs,
                    memory: memory,
                    reserved: &reservation,
                    now: now
                )
            switch step {
            case .assign(let assignment):
                guard let head = heads.first(where: { $0.id == assignment.generation }) else { return Self.storePause }
                let plan = plan(for: head, queue)
                switch await pass(for: head, plan, assignment, memory) {
                case .wait(let until): held[head.lane] = until
                case .start(let ids):
                    let pass: ClaimedPass
                    do throws(TaskStoreError) {
                        guard let claimed = try await claim(ids, plan, assignment) else { continue }
                        pass = claimed
                    } catch {
                        logger.error("No work could be claimed", metadata: ["code": "\(error.code)"])
                        // What can be read and not written, on a full disk, is offered again at once.
                        held[head.lane] = now + Self.storePause.inSeconds
                        continue
                    }
                    let idle = fleet.begin(pass.summary, on: assignment.engine)
                    let waited = max(head.since, head.notBefore).duration(to: clock.wallTime()).inSeconds
                    metrics.began(
                        pass.claims.count,
                        on: fleet.engines[assignment.engine].device,
                        afterIdle: min(idle ?? 0, waited)
                    )
                    group.addTask { await attempts.run(pass.claims, as: assignment, afterIdle: idle) }
                }
            case .wake(let engine):
                fleet.engines[engine].wake()
            case .park(let engine):
                fleet.engines[engine].park()
                fleet.notePark(engine)
            case .nothing(let until):
                let isUrgent = makeWay(for: heads)
                let moments = [until, offered.until, fleet.nextPauseEnd(after: now)] + held.values.map(Optional.some)
                let next = moments.compactMap { $0 }.min().map { Duration.seconds(max(0.001, $0 - now)) }
                let delayed = queue.nextDelayed.map { max(.milliseconds(1), clock.wallTime().duration(to: $0)) }
                return min(next ?? Self.idleLook, delayed ?? Self.idleLook, isUrgent ? Self.urgentLook : Self.idleLook)
            }
        }
        return .zero
    }

    /// Ends a generation whose model no engine has any more.
    ///
    /// - Returns: whether the store let it.
    private func give(up orphan: WaitingGeneration) async -> Bool {
        do throws(TaskStoreError) {
            let request = ClaimRequest(owner: worker, duration: settings.leaseDuration, generation: orphan.id)
            if let claimed = try await store.claim(request) { await attempts.failWithoutModel(claimed) }
            return true
        } catch {
            logger.error("No work could be claimed", metadata: ["code": "\(error.code)"])
            return false
        }
    }

    /// What is made less of a head because of what waits behind it.
    private func plan(for head: WaitingGeneration, _ queue: QueueHeads) -> AttemptPlan? {
        guard head.degradation != nil, let model = board.catalog?.model(named: head.work.model) else { return nil }
        return settings.degradation.plan(
            for: head,
            wait: forecaster.wait(behind: queue.cost, at: now) ?? 0,
            limits: DegradationPolicy.Limits(model)
        )
    }

    /// Which generations share the pass of a head.
    private func pass(
        for head: WaitingGeneration,
        _ plan: AttemptPlan?,
        _ assignment: Assignment,
        _ memory: MemoryModel
    ) async -> BatchPolicy.Decision {
        let limit = min(settings.batch.size, board.maxBatch(of: head.work.model))
        guard limit > 1, head.batchKey != nil else { return .start([head.id]) }
        do throws(TaskStoreError) {
            let companions = try await store.companions(of: head.id, limit: limit - 1).filter {
                DegradationPolicy.allows(plan ?? AttemptPlan(), for: $0)
            }
            let waited = head.since.duration(to: clock.wallTime())
            return settings.batch.decide(
                head: head,
                companions: companions,
                limit: limit,
                waited: waited.inSeconds,
                now: now,
                fits: { fits($0, head.plannedWork, assignment, memory) }
            )
        } catch {
            return .start([head.id])
        }
    }

    /// Whether a pass of so many is predicted to have room.
    private func fits(_ count: Int, _ work: Work, _ assignment: Assignment, _ memory: MemoryModel) -> Bool {
        guard count > 1, let model = board.facts(wanted: settings.memoryMode)[work.model],
            let capacity = fleet.engines[assignment.engine].state.description?.memoryBytes,
            let peak = memory.peakBytes(work, model: model, mode: assignment.mode, rows: count)
        else { return true }
        return peak <= capacity - fleet.reservedBytes(beside: assignment.engine)
    }

    /// Generations that were claimed for one pass.
    private struct ClaimedPass: Sendable {
        var claims: [ClaimedGeneration]
        var summary: Fleet.Pass
    }

    /// Claims the generations of a pass.
    ///
    /// - Returns: `nil` if the first is gone: cancelled, or taken by another worker.
    /// - Throws: what the store says, if not even the first was claimed.
    private func claim(
        _ ids: [GenerationID],
        _ plan: AttemptPlan?,
        _ assignment: Assignment
    ) async throws(TaskStoreError) -> ClaimedPass? {
        var claims: [ClaimedGeneration] = []
        do throws(TaskStoreError) {
            for id in ids {
                let request = ClaimRequest(owner: worker, duration: settings.leaseDuration, generation: id, plan: plan)
                if let claimed = try await store.claim(request) {
                    metrics.claimed(claimed.generation)
                    claims.append(claimed)
                }
                if claims.isEmpty { return nil }
            }
        } catch {
            if claims.isEmpty { throw error }
            // The reaper would take those back; they are here already, and run.
            logger.error("Not all of a pass could be claimed", metadata: ["code": "\(error.code)"])
        }
        guard let first = claims.first?.generation else { return nil }
        let work = first.request.reduced(by: first.plan).work(model: first.model)
        let summary = Fleet.Pass(
            generations: claims.map(\.generation.id),
            warm: Warm(model: work.model, loras: work.loras),
            mode: assignment.mode,
            started: now,
            until: now + assignment.seconds,
            bytes: assignment.bytes
        )
        return ClaimedPass(claims: claims, summary: summary)
    }

    /// Has a less urgent generation make way where the first that waits is more urgent and nothing is free for it.
    ///
    /// - Returns: whether it is to be looked again soon.
    private func makeWay(for heads: [WaitingGeneration]) -> Bool {
        guard !running.isEmpty, !fleet.isDraining, let urgent = heads.map(\.priority).max() else { return false }
        let all = running.all
        if let victim = settings.preemption.victim(for: urgent, among: all, at: clock.monotonicTime()) {
            logger.info("Generation makes way for a more urgent one", metadata: ["generation": "\(victim)"])
            running.makeWay(victim)
        }
        return all.contains { settings.preemption.isGap(from: $0.priority, to: urgent) }
    }

    // MARK: Waiting

    /// Waits for a signal, or for so long.
    private func idle(for limit: Duration, after seen: UInt64) async {
        await untilShutdown {
            await wake.wait(after: seen, atMost: limit, clock)
        }
    }

    /// Runs something that is cancelled when the server shuts down.
    private func untilShutdown(_ body: @Sendable @escaping () async -> Void) async {
        await cancelWhenGracefulShutdown(body)
    }
}
