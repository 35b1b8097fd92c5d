/// Which Redis, and how much patience and memory it may take.
package struct RedisSettings: Sendable, Equatable {
    package var url: RedisURL
    /// Authorities that are trusted for `rediss://` instead of the system's, in a PEM file.
    package var authorities: String?
    /// What tells this client from others of the process: in `CLIENT LIST` and as a label of its metrics.
    package var name: String
    /// Until a command is given up, and with it the connection; longer than a failover that is not to be noticed.
    package var commandTimeout: Duration
    /// For name, socket, TLS and password together.
    package var connectTimeout: Duration
    /// A command waits for a connection while the last one was lost, or first asked for, no longer ago.
    package var grace: Duration
    /// Commands that wait for a reply, or for a connection; more are turned away.
    package var maxCommandsInFlight: Int
    /// The same in bytes.
    package var maxBytesInFlight: Int
    /// Connections for commands that keep one waiting; more such commands are turned away.
    package var maxBlocking: Int
    package var backoff: RedisBackoff
    package var replies: RESPLimits

    package init(
        url: RedisURL,
        authorities: String? = nil,
        name: String = "animato",
        commandTimeout: Duration = .seconds(5),
        connectTimeout: Duration = .seconds(3),
        grace: Duration = .seconds(2),
        maxCommandsInFlight: Int = 16_384,
        maxBytesInFlight: Int = 256 << 20,
        maxBlocking: Int = 64,
        backoff: RedisBackoff = RedisBackoff(),
        replies: RESPLimits = RESPLimits()
    ) {
        self.url = url
        self.authorities = authorities
        self.name = name
        self.commandTimeout = commandTimeout
        self.connectTimeout = connectTimeout
        self.grace = grace
        self.maxCommandsInFlight = maxCommandsInFlight
        self.maxBytesInFlight = maxBytesInFlight
        self.maxBlocking = maxBlocking
        self.backoff = backoff
        self.replies = replies
    }
}

/// How long to wait before the next attempt.
package struct RedisBackoff: Sendable, Equatable {
    /// After the first failure; doubles with each further one.
    package var first: Duration
    package var longest: Duration

    package init(first: Duration = .milliseconds(50), longest: Duration = .seconds(5)) {
        self.first = first
        self.longest = longest
    }

    /// The time until the next attempt: half of it fixed, half by chance, so that many clients do not come at once.
    ///
    /// - Parameters:
    ///   - failures: attempts in a row that failed; none: no time at all.
    ///   - chance: from 0 to 1.
    /// - Returns: at most `longest`.
    package func delay(after failures: Int, chance: Double = .random(in: 0...1)) -> Duration {
        guard failures > 0 else { return .zero }
        var delay = first
        for _ in 1..<min(failures, 32) where delay < longest { delay *= 2 }
        return min(delay, longest) * (0.5 + chance / 2)
    }
}
