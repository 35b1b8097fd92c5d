import Crypto

/// A script in Lua that the server carries out as one step.
package struct RedisScript: Sendable {
    package let source: String
    /// What the server knows it by.
    package let sha: String

    package init(_ source: String) {
        self.source = source
        sha = Insecure.SHA1.hash(data: Array(source.utf8)).reduce(into: "") { text, byte in
            text += String(byte >> 4, radix: 16) + String(byte & 15, radix: 16)
        }
    }

    /// Carries it out; a server that does not know it yet is told it.
    ///
    /// - Parameters:
    ///   - commands: the server.
    ///   - keys: all that it touches.
    ///   - arguments: what else it is given.
    /// - Returns: what it returns.
    /// - Throws: as `RedisCommands.send`; `refused` with what it raises.
    package func run(
        on commands: any RedisCommands,
        keys: [any RedisArgument],
        arguments: [any RedisArgument]
    ) async throws(RedisError) -> RESPValue {
        let rest = [Array(String(keys.count).utf8)] + (keys + arguments).map(\.redisBytes)
        do throws(RedisError) {
            return try await commands.send(RedisCommand([Array("EVALSHA".utf8), Array(sha.utf8)] + rest))
        } catch {
            guard case .refused(let text) = error, text.hasPrefix("NOSCRIPT") else { throw error }
            return try await commands.send(RedisCommand([Array("EVAL".utf8), Array(source.utf8)] + rest))
        }
    }
}
