import AsyncHTTPClient
import Foundation
package import Logging
import NIOCore
import NIOHTTP1
package import NIOPosix
import ServiceLifecycle
import Synchronization
package import Tasks

/// Sends spans to a collector over HTTP, in batches.
///
/// A collector that is slow, refuses or is gone costs spans and nothing else.
package final class OTLPExporter: Service {
    /// How often it is said how many spans were dropped.
    private static let reportInterval = Duration.seconds(60)

    private struct State {
        /// What is being sent, and how often it was.
        var batch: [SpanRecord] = []
        var attempts = 0
        /// Whether the last try went wrong; said once.
        var isFailing = false
        /// Whether nobody answered to it.
        var isUnanswered = false
    }

    /// Takes spans.
    package let queue: SpanQueue
    private let settings: OTLPSettings
    private let version: String
    private let resource: [String: String]
    private let policy: OTLPDeliveryPolicy
    private let client: HTTPClient
    private let clock: any ServiceClock
    private let logger: Logger
    private let state = Mutex(State())

    /// - Parameters:
    ///   - settings: where to, and bounds.
    ///   - version: of this program.
    ///   - instance: tells this process from others of the same service.
    ///   - group: where connections live.
    ///   - clock: for the waits between tries.
    ///   - logger: is told once when sending begins to fail, and once a minute what was dropped.
    package init(
        settings: OTLPSettings,
        version: String,
        instance: String,
        group: MultiThreadedEventLoopGroup,
        clock: any ServiceClock,
        logger: Logger
    ) {
        self.settings = settings
        self.version = version
        self.clock = clock
        self.logger = logger
        resource = [
            "service.name": settings.serviceName, "service.version": version, "service.instance.id": instance,
            "telemetry.sdk.language": "swift", "telemetry.sdk.name": "animato", "telemetry.sdk.version": version,
        ]
        queue = SpanQueue(limit: settings.maxWaiting, threshold: settings.batchSize)
        policy = OTLPDeliveryPolicy(delays: settings.delays, maxRetryAfter: settings.maxRetryAfter)
        var configuration = HTTPClient.Configuration(
            redirectConfiguration: .disallow,
            timeout: .init(connect: .seconds(5))
        )
        configuration.connectionPool.retryConnectionEstablishment = false
        client = HTTPClient(eventLoopGroupProvider: .shared(group), configuration: configuration)
    }

    /// Runs until shutdown, and then sends what is left, for a bounded time.
    package func run() async throws {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await cancelWhenGracefulShutdown { await self.work() } }
            group.addTask {
                await cancelWhenGracefulShutdown { await self.every(self.settings.interval, self.queue.wake) }
            }
            group.addTask {
                await cancelWhenGracefulShutdown { await self.every(Self.reportInterval, self.reportDropped) }
            }
            await group.waitForAll()
        }
        await flush()
        reportDropped()
        try? await client.shutdown()
    }

    /// Sends batches until it is cancelled.
    private func work() async {
        for await _ in queue.signs {
            while !Task.isCancelled, let pause = await send() {
                // A cancelled sleep ends the loop.
                if pause > .zero { try? await clock.sleep(for: pause) }
            }
        }
    }

    /// Does something again and again until it is cancelled.
    private func every(_ interval: Duration, _ act: () -> Void) async {
        while !Task.isCancelled {
            do { try await clock.sleep(for: interval) } catch { return }
            act()
        }
    }

    /// Sends the batch at hand, or the next one.
    ///
    /// - Returns: how long to wait before the next call; `nil` if nothing is left.
    private func send() async -> Duration? {
        let batch = state.withLock { state in
            if state.batch.isEmpty { (state.batch, state.attempts) = (queue.take(), 0) }
            state.attempts += 1
            return state.batch
        }
        guard !batch.isEmpty else { return nil }
        let answer = await post(batch)
        // Cut off in the middle by the shutdown: the batch is kept, and sent again before the end.
        guard !Task.isCancelled else { return nil }
        note(answer)
        let attempts = state.withLock { state in
            state.isUnanswered = answer == .none
            return state.attempts
        }
        switch policy.decision(after: answer, attempts: attempts) {
        case .sent: state.withLock { $0.batch = [] }
        case .retry(let delay): return delay
        case .drop:
            state.withLock { $0.batch = [] }
            queue.drop(batch.count)
        }
        return .zero
    }

    /// Sends what is left, within the grace, as long as there is somebody who answers.
    private func flush() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                while !Task.isCancelled, let pause = await self.send() {
                    guard self.state.withLock({ !$0.isUnanswered }) else { return }
                    if pause > .zero { try? await Task.sleep(for: pause) }
                }
            }
            // Real time: this bounds the end of the process.
            group.addTask { try? await Task.sleep(for: self.settings.shutdownGrace) }
            await group.next()
            group.cancelAll()
        }
        var left = state.withLock { $0.batch }
        while !left.isEmpty {
            queue.drop(left.count)
            left = queue.take()
        }
    }

    private func post(_ batch: [SpanRecord]) async -> OTLPDeliveryPolicy.Answer {
        do {
            var request = HTTPClientRequest(url: settings.endpoint + "/v1/traces")
            request.method = .POST
            request.headers.add(name: "content-type", value: "application/json")
            request.headers.add(name: "user-agent", value: "Animato/\(version)")
            for header in settings.headers { request.headers.replaceOrAdd(name: header.name, value: header.value) }
            request.body = .bytes(
                ByteBuffer(bytes: try OTLPTraces.body(of: batch, resource: resource, version: version)))
            let response = try await client.execute(request, timeout: TimeAmount(settings.timeout))
            // Read, so that the connection can be used again; what it says changes nothing.
            _ = try? await response.body.collect(upTo: 65_536)
            let wish = response.headers.first(name: "retry-after").flatMap(Int64.init)
            return .status(Int(response.status.code), retryAfter: wish.map { .seconds(max(0, $0)) })
        } catch {
            return .none
        }
    }

    // MARK: The log

    /// Says that sending begins to fail, or works again.
    private func note(_ answer: OTLPDeliveryPolicy.Answer) {
        let isFailing = if case .status(200..<300, _) = answer { false } else { true }
        let wasFailing = state.withLock { state in
            defer { state.isFailing = isFailing }
            return state.isFailing
        }
        guard isFailing != wasFailing else { return }
        if isFailing {
            let reason = if case .status(let status, _) = answer { "status \(status)" } else { "no answer" }
            logger.warning("Traces cannot be exported", metadata: ["reason": "\(reason)"])
        } else {
            logger.notice("Traces are exported again")
        }
    }

    private func reportDropped() {
        let dropped = queue.takeDropped()
        if dropped > 0 { logger.warning("Spans were dropped", metadata: ["spans": "\(dropped)"]) }
    }
}
