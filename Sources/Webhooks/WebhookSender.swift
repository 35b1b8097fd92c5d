package import Foundation
package import Logging
package import NIOCore
import ServiceLifecycle
package import Tasks

/// Sends what is due from the outbox, and records how that went.
///
/// A receiver has a few places of its own: one that hangs or fails holds up only itself. What is under way when the
/// process dies is due again.
package final class WebhookSender: Service {
    /// Tries to record an outcome while the store does not answer.
    private static let recordAttempts = 5

    private let store: any DeliveryStore
    private let settings: WebhookSettings
    private let secrets: [WebhookSecret]
    private let render: @Sendable (ClaimedDelivery) -> Data
    private let clock: any ServiceClock
    private let logger: Logger
    private let client: CallbackClient
    private let pools: ConnectionPools
    private let policy: DeliveryPolicy
    private let underWay = UnderWay()

    /// - Parameters:
    ///   - store: the outbox.
    ///   - settings: bounds.
    ///   - secrets: what is signed with; the newest first, at least one.
    ///   - policy: which addresses may be called.
    ///   - resolver: finds addresses behind names.
    ///   - trustRoots: whose certificates receivers may have.
    ///   - userAgent: says who calls.
    ///   - group: where connections live.
    ///   - clock: for the moments of attempts and the waits between looks.
    ///   - logger: gets receivers and codes, never paths, bodies or secrets.
    ///   - render: writes the body.
    package init(
        store: any DeliveryStore,
        settings: WebhookSettings,
        secrets: [WebhookSecret],
        policy: CallbackPolicy,
        resolver: any AddressResolver,
        trustRoots: TrustRoots = .system,
        userAgent: String,
        group: any EventLoopGroup,
        clock: any ServiceClock,
        logger: Logger,
        render: @escaping @Sendable (ClaimedDelivery) -> Data
    ) {
        self.store = store
        self.settings = settings
        self.secrets = secrets
        self.render = render
        self.clock = clock
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
        guard let attempt = await send(claimed) else { return }
        let outcome = policy.outcome(of: attempt, attempts: delivery.attempts, random: .random(in: 0...1))
        log(outcome, logger)
        await record(outcome, of: claimed, logger)
    }

    /// Sends a delivery, unless the server shuts down meanwhile.
    private func send(_ claimed: ClaimedDelivery) async -> DeliveryPolicy.Attempt? {
        let body = render(claimed)
        let headers = WebhookSignature.headers(
            id: claimed.delivery.id.description,
            time: clock.wallTime(),
            body: body,
            secrets: secrets
        )
        return await withTaskGroup(of: DeliveryPolicy.Attempt?.self) { group in
            group.addTask {
                await self.client.send(
                    body,
                    to: claimed.delivery.url,
                    attempt: claimed.delivery.attempts,
                    headers: headers
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

    private func log(_ outcome: DeliveryOutcome, _ logger: Logger) {
        switch outcome {
        case .delivered(let status):
            logger.debug("Delivered", metadata: ["status": "\(status)"])
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
