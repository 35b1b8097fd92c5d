import Foundation
package import Logging
package import Redis
import ServiceLifecycle
import Synchronization
package import Tasks

/// Takes the tasks of Celery applications from their broker, and tells their backend what becomes of them.
///
/// A message leaves the broker's list for one of this bridge, and that only when the task is stored or has failed. What
/// the bridge follows is in the broker as well, so that it goes on after a restart, and another takes over from one that
/// died. Everything may happen twice: the task's id is the idempotency key.
package final class CeleryBridge: Service {
    let submissions: any CelerySubmissions
    let broker: CeleryBroker
    let settings: CelerySettings
    let clock: any ServiceClock
    let logger: Logger
    let monitors: CeleryMonitors
    let metrics = CeleryMetrics()
    let tasks = OpenTasks()
    let processed = Mutex(0)
    let startedAt: Timestamp
    private let listen: @Sendable (_ receive: @Sendable ([UInt8]) async -> Void) async -> Void
    private let opened: AsyncStream<(OpenTask, AsyncStream<Void>)>
    private let opening: AsyncStream<(OpenTask, AsyncStream<Void>)>.Continuation

    /// - Parameters:
    ///   - submissions: the server.
    ///   - broker: the Redis that messages come in on.
    ///   - backend: the Redis that results go to.
    ///   - subscriber: hears the commands of Celery's remote control at the broker.
    ///   - settings: names, limits and times.
    ///   - version: of this program, for monitors.
    ///   - clock: wall time counts for what is due and what has expired.
    ///   - logger: hears of what is not taken.
    package init(
        submissions: any CelerySubmissions,
        broker: any RedisCommands,
        backend: any RedisCommands,
        subscriber: RedisSubscriber,
        settings: CelerySettings,
        version: String,
        clock: any ServiceClock,
        logger: Logger
    ) {
        self.submissions = submissions
        self.broker = CeleryBroker(broker: broker, backend: backend, settings: settings)
        self.settings = settings
        self.clock = clock
        self.logger = logger
        startedAt = clock.wallTime()
        monitors = CeleryMonitors(
            broker: self.broker, settings: settings, version: version, clock: clock, logger: logger)
        let mailbox = CeleryBroker.mailbox(settings)
        listen = { await subscriber.run(on: mailbox, $0) }
        // As many as may be open.
        (opened, opening) = AsyncStream.makeStream()
    }

    package func run() async throws {
        await cancelWhenGracefulShutdown {
            await withDiscardingTaskGroup { group in
                group.addTask { await self.keepAlive() }
                group.addTask { await self.takeMessages() }
                group.addTask { await self.sweep() }
                group.addTask { await self.listen { await self.handle($0) } }
                group.addTask { await self.followAll() }
            }
        }
        await monitors.publish(.workerOffline(load()))
        do throws(RedisError) {
            try await broker.leave()
        } catch {
            logger.debug("The other bridges were not told of the end", metadata: ["reason": "\(error)"])
        }
    }

    /// Begins to follow a task, if that is not done.
    func follow(_ open: OpenTask) {
        guard let signs = tasks.add(open) else { return }
        metrics.open(tasks.count)
        opening.yield((open, signs))
    }

    /// How much there is to do.
    func load() -> CeleryLoad {
        var average = [0.0, 0.0, 0.0]
        let count = getloadavg(&average, 3)
        return CeleryLoad(
            active: tasks.running,
            processed: processed.withLock { $0 },
            average: count == 3 ? average.map { ($0 * 100).rounded() / 100 } : [0, 0, 0]
        )
    }

    /// Waits; returns early when the bridge ends.
    func pause(_ duration: Duration) async {
        // The only error is the cancellation, which the loops look for.
        try? await clock.sleep(for: duration)
    }

    private func followAll() async {
        await withDiscardingTaskGroup { group in
            for await (open, signs) in opened {
                group.addTask { await self.report(open, on: signs) }
            }
        }
    }

    /// Gives signs of life to the other bridges and to monitors, and takes up what is to be followed.
    private func keepAlive() async {
        var mustRead = true
        var isTold = false
        while !Task.isCancelled {
            do throws(RedisError) {
                if try await broker.live() { mustRead = true }
                if mustRead {
                    for open in try await broker.openTasks() { follow(open) }
                    mustRead = false
                }
                await monitors.publish(isTold ? .workerHeartbeat(load()) : .workerOnline(load()))
                if !isTold { logger.info("Takes tasks of Celery", metadata: ["queue": "\(settings.queue)"]) }
                isTold = true
            } catch {
                logger.warning("Celery's broker does not answer", metadata: ["reason": "\(error)"])
            }
            await pause(settings.heartbeat)
        }
    }

    /// Looks at every open task now and then, for signs that were missed and reports that failed.
    private func sweep() async {
        while !Task.isCancelled {
            await pause(settings.sweepInterval)
            tasks.pokeAll()
            metrics.open(tasks.count)
        }
    }
}
