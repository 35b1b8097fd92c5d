import Foundation
import Logging
import Redis
import Synchronization
import Tasks

/// Tells Celery's monitors what happens.
///
/// Nothing depends on it: what cannot be told is not told.
final class CeleryMonitors: Sendable {
    private let broker: CeleryBroker
    private let settings: CelerySettings
    private let version: String
    private let serviceClock: any ServiceClock
    private let logger: Logger
    private let lamport = Mutex(0)

    init(
        broker: CeleryBroker,
        settings: CelerySettings,
        version: String,
        clock: any ServiceClock,
        logger: Logger
    ) {
        self.broker = broker
        self.settings = settings
        self.version = version
        self.logger = logger
        serviceClock = clock
    }

    /// The counter that rises with every message, over all processes.
    var clock: Int { lamport.withLock { $0 } }

    /// Takes note of another's counter.
    func adjust(_ other: Int) {
        lamport.withLock { $0 = max($0, min(max(other, 0), 1 << 52)) + 1 }
    }

    func tick() -> Int {
        lamport.withLock { clock in
            clock += 1
            return clock
        }
    }

    func publish(_ event: CeleryEvent) async {
        let stamp = CeleryStamp(
            worker: settings.worker,
            version: version,
            pid: Int(ProcessInfo.processInfo.processIdentifier),
            clock: tick(),
            at: serviceClock.wallTime()
        )
        let envelope = KombuEnvelope.outgoing(
            event.body(stamp, freq: settings.heartbeat.inSeconds),
            headers: ["hostname": .string(settings.worker)],
            exchange: "celeryev",
            routingKey: event.routingKey,
            tag: UUID().uuidString.lowercased()
        )
        do throws(RedisError) {
            try await broker.publish(envelope, routingKey: event.routingKey)
        } catch {
            logger.debug("Celery's monitors were not told", metadata: ["reason": "\(error)"])
        }
    }

    func answer(_ command: CeleryCommand, _ value: JSON) async {
        guard let reply = command.reply else { return }
        let envelope = KombuEnvelope.outgoing(
            .object([JSON.Member(settings.worker, value)]),
            headers: ["ticket": .string(reply.ticket), "clock": .integer(tick())],
            exchange: reply.exchange,
            routingKey: reply.routingKey,
            tag: UUID().uuidString.lowercased()
        )
        do throws(RedisError) {
            try await broker.answer(reply, envelope)
        } catch {
            logger.debug("A command of Celery was not answered", metadata: ["reason": "\(error)"])
        }
    }
}
