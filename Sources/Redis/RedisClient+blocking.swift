import Synchronization

extension RedisClient {
    /// Sends a command on a connection of its own, and ends that if the caller gives up.
    func deliverBlocking(_ command: RedisCommand, patience: Duration) async throws(RedisError) -> RESPValue {
        let connection = try await borrow()
        defer { giveBack(connection) }
        let answer = await withTaskCancellationHandler {
            await Self.result { () throws(RedisError) in try await connection.send(command, patience: patience) }
        } onCancel: {
            connection.finish("the caller gave up")
        }
        return try judged(answer.get(), connection)
    }

    private static func result(
        _ body: () async throws(RedisError) -> RESPValue
    ) async -> Result<RESPValue, RedisError> {
        do throws(RedisError) { return .success(try await body()) } catch { return .failure(error) }
    }

    /// A connection that nobody uses: one that is there, or a new one.
    private func borrow() async throws(RedisError) -> RedisConnection {
        let spare = try state.withLock { state throws(RedisError) -> RedisConnection? in
            if case .closed = state.link { throw .unavailable("the client is closed") }
            guard state.blockingInUse < settings.maxBlocking else { throw .overloaded }
            state.blockingInUse += 1
            return state.spare.popLast()
        }
        if let spare { return spare }
        do throws(RedisError) {
            let connection = try await RedisConnection.open(
                settings,
                tls: tls,
                limits: RedisConnection.Limits(commands: 1, bytes: settings.maxBytesInFlight),
                onEnd: { [weak self] connection, _ in self?.forget(connection) },
                onTraffic: { _ in }
            )
            let isClosed = state.withLock { state in
                if case .closed = state.link { return true }
                state.blocking[ObjectIdentifier(connection)] = connection
                return false
            }
            if isClosed { connection.finish("the client is closed") }
            // It may have ended before it was known.
            if connection.end != nil { forget(connection) }
            return connection
        } catch {
            state.withLock { $0.blockingInUse -= 1 }
            throw .unavailable("no connection to \(settings.url): \(error.reason)")
        }
    }

    private func giveBack(_ connection: RedisConnection) {
        state.withLock { state in
            state.blockingInUse -= 1
            if state.blocking[ObjectIdentifier(connection)] != nil { state.spare.append(connection) }
        }
    }

    private func forget(_ connection: RedisConnection) {
        state.withLock { state in
            state.blocking[ObjectIdentifier(connection)] = nil
            state.spare.removeAll { $0 === connection }
        }
    }
}
