package import Logging
package import Redis
import ServiceLifecycle
import Synchronization
package import Tasks

/// A clock whose wall time is that of the Redis server, so that hosts whose own clocks are wrong agree.
///
/// Until the first measurement it is the machine's. Durations and sleeps always are.
package final class RedisClock: ServiceClock, Service {
    /// Round trips of a measurement; the shortest counts, since the time is known to half of it.
    private static let roundTrips = 5

    private let commands: any RedisCommands
    private let base: any ServiceClock
    private let interval: Duration
    private let logger: Logger
    /// The server's time of day when the monotonic time was zero.
    private let origin = Mutex<Timestamp?>(nil)

    /// - Parameters:
    ///   - commands: the server.
    ///   - base: the clocks of this machine.
    ///   - interval: between measurements, while it runs.
    ///   - logger: hears when the server cannot be asked.
    package init(
        _ commands: any RedisCommands,
        base: any ServiceClock = SystemClock(),
        interval: Duration = .seconds(10),
        logger: Logger
    ) {
        self.commands = commands
        self.base = base
        self.interval = interval
        self.logger = logger
    }

    package func wallTime() -> Timestamp {
        guard let origin = origin.withLock({ $0 }) else { return base.wallTime() }
        return origin.advanced(by: base.monotonicTime())
    }

    package func monotonicTime() -> Duration {
        base.monotonicTime()
    }

    package func sleep(for duration: Duration) async throws {
        try await base.sleep(for: duration)
    }

    /// Asks the server for its time.
    ///
    /// - Throws: as the server does; the clock then goes on as it went.
    package func measure() async throws(RedisError) {
        var best: (trip: Duration, origin: Timestamp)?
        for _ in 0..<Self.roundTrips {
            let before = base.monotonicTime()
            let reply = try await commands.send(RedisCommand("TIME"))
            let after = base.monotonicTime()
            guard let parts = reply.array, parts.count == 2, let seconds = parts[0].integer,
                let microseconds = parts[1].integer, (0...253_402_300_799).contains(seconds),
                (0..<1_000_000).contains(microseconds)
            else { throw .refused("the server's time is none") }
            let middle = before + (after - before) / 2
            let time = Timestamp(milliseconds: seconds * 1000).advanced(by: .microseconds(microseconds) - middle)
            if after - before < best?.trip ?? .seconds(86_400) { best = (after - before, time) }
        }
        if let best { origin.withLock { $0 = best.origin } }
    }

    /// Measures from time to time, until it is told to end.
    package func run() async {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                do throws(RedisError) {
                    try await self.measure()
                } catch {
                    self.logger.debug("the time of Redis is not known", metadata: ["reason": "\(error)"])
                }
                try? await self.base.sleep(for: self.interval)
            }
        }
    }
}
