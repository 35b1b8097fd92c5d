/// A command with its arguments.
package struct RedisCommand: Sendable, Equatable {
    /// The name first.
    package var arguments: [[UInt8]]

    package init(_ arguments: [[UInt8]]) {
        self.arguments = arguments
    }

    package init(_ name: String, _ arguments: any RedisArgument...) {
        self.arguments = [Array(name.utf8)] + arguments.map(\.redisBytes)
    }
}

/// What may stand in a command.
package protocol RedisArgument: Sendable {
    var redisBytes: [UInt8] { get }
}

extension String: RedisArgument {
    package var redisBytes: [UInt8] { Array(utf8) }
}

extension Int: RedisArgument {
    package var redisBytes: [UInt8] { Array(String(self).utf8) }
}

extension Int64: RedisArgument {
    package var redisBytes: [UInt8] { Array(String(self).utf8) }
}

extension [UInt8]: RedisArgument {
    package var redisBytes: [UInt8] { self }
}

/// A Redis or Valkey server, or what else speaks its protocol.
///
/// Commands of callers that wait at the same time share round trips and are carried out in the order in which they were
/// sent. A command that keeps a connection waiting (`BLPOP`, `XREAD BLOCK`) goes through `sendBlocking`.
package protocol RedisCommands: Sendable {
    /// Sends a command.
    ///
    /// - Returns: the reply; never `error`.
    /// - Throws: `RedisError`; after `outcomeUnknown` the command may have been carried out.
    func send(_ command: RedisCommand) async throws(RedisError) -> RESPValue

    /// Sends a command on a connection that nobody else uses meanwhile.
    ///
    /// - Parameters:
    ///   - command: says itself how long it waits at the server.
    ///   - patience: until the reply is given up; longer than the server waits.
    /// - Returns: the reply; never `error`.
    /// - Throws: as `send`.
    func sendBlocking(_ command: RedisCommand, patience: Duration) async throws(RedisError) -> RESPValue
}

/// Why a command got no reply, or an error for one.
package enum RedisError: Error, Sendable, Equatable {
    /// There is no connection, or a server that is not ready; nothing was done.
    case unavailable(String)
    /// The connection ended, or the time was over, before the reply.
    case outcomeUnknown(String)
    /// The server's own words, the code first, as in `WRONGTYPE …`.
    case refused(String)
    /// More commands wait than may.
    case overloaded
}
