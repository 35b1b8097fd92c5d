package import Foundation
package import Logging
package import NIOCore
import ServiceLifecycle
package import Tasks
package import Tracing

/// Sends what is due from the outbox, and records how that went.
///
/// A receiver has a few places of its own: one that hangs or fails holds up only itself. What is under way when the
/// process dies is due again.
package final class WebhookSender: Service {
    /// Tries to record an outcome while the store does not answer.
    private static let recordAttempts = 5

    private let store: any DeliveryStore
    private let settings: WebhookSettings
    private let secrets: @Sendable (KeyID?) -> [WebhookSecret]
    private let render: @Sendable (ClaimedDelivery) -> Data
    private let clock: any ServiceClock
    private let tracer: any Tracer
    private let logger: Logger
    private let client: CallbackClient
    private let pools: ConnectionPools
    private let policy: DeliveryPolicy
    private let underWay = UnderWay()
    private let metrics = WebhookMetrics()

    /// - Parameters:
    ///   - store: the outbox.
    ///   - settings: bounds.
    ///   - secrets: what callbacks of tasks are signed with that were made with a key, the newest first; those of `nil`
    ///     are the server's, at least one. They sign for every key that has none of its own.
    ///   - policy: which addresses may be called.
    ///   - resolver: finds addresses behind names.
    ///   - trustRoots: whose certificates receivers may have.
    ///   - userAgent: says who calls.
    ///   - group: where connections live.
    ///   - clock: for the moments of attempts and the waits between looks.
    ///   - tracer: makes a span of each attempt.
    ///   - logger: gets receivers and codes, never paths, bodies or secrets.
    ///   - render: writes the body.
    package init(
        store: any DeliveryStore,
        settings: WebhookSettings,
        secrets: @escaping @Sendable (KeyID?) -> [WebhookSecret],
        policy: CallbackPolicy,
        resolver: any AddressResolver,
        trustRoots: TrustRoots = .system,
        userAgent: String,
        group: any EventLoopGroup,
        clock: any ServiceClock,
        tracer: any Tracer = NoOpTracer(),
        logger: Logger,
        render: @escaping @Sendable (ClaimedDelivery) -> Data
    ) {
        self.store = store
        self.settings = settings
        self.secrets = secrets
        self.render = render
        self.clock = clock
        self.tracer = tracer
        self.logger = logger
        self.policy = DeliveryPolicy(delays: settings.delays)
        pools = ConnectionPools(group: group, settings: settings, trustRoots: trustRoots)
        client = CallbackClient(
            targets: TargetGuard(policy: policy, resolver: resolver),
            pools: pools,
            settings: settings,
            userAgent: userAgent
        )
    }

    /// Runs until shutdown; what is being sent then has `shutdownGrace` to end.
    package func run() async throws {
        let (signs, sign) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        await withDiscardingTaskGroup { group in
            group.addTask {
                await cancelWhenGracefulShutdown {
                    for await _ in self.store.newDeliveries() { sign.yield() }
                }
            }
            group.addTask { await cancelWhenGracefulShutdown { await self.tick(sign) } }
            group.addTask {
                // Ends with the shutdown, or throws when the task is cancelled; either way nothing more is taken.
                try? await gracefulShutdown()
                sign.finish()
            }
            for await _ in signs {
                for claimed in await claim() {
                    let receiver = claimed.delivery.url.receiver
                    underWay.add(receiver)
                    group.addTask {
                        await self.deliver(claimed)
                        self.underWay.remove(receiver)
                        sign.yield()
                    }
                }
            }
        }
        await pools.close()
    }

    /// Gives a sign when a delivery becomes due that has waited, and after every pause.
    private func tick(_ sign: AsyncStream<Void>.Continuation) async {
        while !Task.isCancelled {
            sign.yield()
            var pause = settings.longestPause
            do throws(TaskStoreError) {
                // What is due already and was not taken waits for a place or for its turn; whoever ends gives a sign.
                // Looking for it more often would be a write each time, for as long as a receiver hangs.
                if let next = try await store.nextDelivery(), case let wait = clock.wallTime().duration(to: next),
                    wait > .zero
                {
                    pause = min(pause, wait)
                }
            } catch {
                logger.error("The outbox does not answer", metadata: ["code": "\(error.code)"])
            }
            // The only error is the cancellation, which the loop looks for.
            try? await clock.sleep(for: pause)
        }
    }

    private func claim() async -> [ClaimedDelivery] {
        let busy = underWay.byReceiver
        let room = settings.concurrency - busy.values.reduce(0, +)
        guard room > 0 else { return [] }
        do throws(TaskStoreError) {
            return try await store.claimDeliveries(
                DeliveryClaim(
                    limit: room,
                    receiverLimit: settings.receiverConcurrency,
                    underWay: busy,
                    // An attempt, and then the recording, which may have to be tried again.
                    duration: settings.timeout + .seconds(30)
                )
            )
        } catch {
            logger.error("No deliveries could be claimed", metadata: ["code": "\(error.code)"])
            return []
        }
    }

    private func deliver(_ claimed: ClaimedDelivery) async {
        let delivery = claimed.delivery
        // The success of a task whose cached video turned out to be gone: the store has withdrawn it.
        if delivery.event.isEnd, claimed.task.status != delivery.event.status { return }
        var logger = logger
        logger[metadataKey: "delivery"] = "\(delivery.id)"
        logger[metadataKey: "receiver"] = "\(delivery.url)"
        logger[metadataKey: "task_id"] = "\(delivery.id.task)"
        if let trace = claimed.task.trace { logger[metadataKey: "trace_id"] = "\(trace.traceID)" }
        let trace = DeliveryTrace(claimed, tracer: tracer, clock: clock)
        let begun = clock.monotonicTime()
        let sent = await send(claimed, trace)
        trace.end(sent, at: clock)
        guard let attempt = sent else { return }
        metrics.attempted(for: clock.monotonicTime() - begun)
        let outcome = policy.outcome(of: attempt, attempts: delivery.attempts, random: .random(in: 0...1))
        count(outcome, of: delivery)
        log(outcome, logger)
        await record(outcome, of: claimed, logger)
    }

    /// Sends a delivery, unless the server shuts down meanwhile.
    private func send(_ claimed: ClaimedDelivery, _ trace: DeliveryTrace) async -> DeliveryPolicy.Attempt? {
        let body = render(claimed)
        let headers = WebhookSignature.headers(
            id: claimed.delivery.id.description,
            time: clock.wallTime(),
            body: body,
            secrets: secrets(of: claimed.task.accessKey)
        )
        return await withTaskGroup(of: DeliveryPolicy.Attempt?.self) { group in
            group.addTask {
                await self.client.send(
                    body,
                    to: claimed.delivery.url,
                    attempt: claimed.delivery.attempts,
                    headers: headers + trace.headers
                )
            }
            group.addTask { [settings] in
                do {
                    try await gracefulShutdown()
                    try await Task.sleep(for: settings.shutdownGrace)
                } catch {
                    return nil
                }
                return nil
            }
            defer { group.cancelAll() }
            return await group.next() ?? nil
        }
    }

    /// What callbacks of tasks are signed with that were made with a key, or with none.
    private func secrets(of key: KeyID?) -> [WebhookSecret] {
        let own = key.map(secrets) ?? []
        return own.isEmpty ? secrets(nil) : own
    }

    /// Writes an outcome, again while the store does not answer.
    ///
    /// What cannot be written is sent again.
    private func record(_ outcome: DeliveryOutcome, of claimed: ClaimedDelivery, _ logger: Logger) async {
        for attempt in 1...Self.recordAttempts {
            do throws(TaskStoreError) {
                try await store.conclude(claimed, with: outcome)
                return
            } catch .leaseLost {
                logger.warning("The outcome of a delivery is not wanted any more")
                return
            } catch {
                logger.error("The outcome of a delivery could not be written", metadata: ["code": "\(error.code)"])
                if attempt < Self.recordAttempts { try? await clock.sleep(for: .seconds(1)) }
            }
        }
    }

    private func count(_ outcome: DeliveryOutcome, of delivery: Delivery) {
        switch outcome {
        case .delivered: metrics.delivered(after: delivery.createdAt.duration(to: clock.wallTime()))
        case .retry: metrics.willTryAgain()
        case .dead: metrics.gaveUp()
        }
    }

    private func log(_ outcome: DeliveryOutcome, _ logger: Logger) {
        switch outcome {
        case .delivered(let status):
            logger.info("Delivered", metadata: ["status": "\(status)"])
        case .retry(let delay, _, let failure):
            logger.info("Delivery is tried again", metadata: ["code": "\(failure.code)", "delay": "\(delay)"])
        case .dead(_, let failure):
            logger.warning("Delivery is dead", metadata: ["code": "\(failure.code)"])
        }
    }
}

extension CallbackEvent {
    /// The status of a task that this event can be told of; `nil` for news.
    fileprivate var status: TaskStatus? {
        switch self {
        case .succeeded: .succeeded
        case .failed: .failed
        case .cancelled: .cancelled
        case .started, .progress: nil
        }
    }
}
