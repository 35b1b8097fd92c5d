import Access
import NIOCore
import Scheduling
import ServiceLifecycle
import Tasks

extension APIResponder {
    /// Runs a body with signs to look at a task: now, when it may have changed, and every few seconds all the same.
    ///
    /// The last because a change that another process made may give no sign. Signs that are not read in time become
    /// one. They end with the time limit, when the client is gone, and when the server stops.
    ///
    /// - Parameters:
    ///   - id: of the task.
    ///   - channel: the client's connection.
    ///   - limit: how long at most; `nil`: no limit.
    ///   - body: what is done with them.
    /// - Returns: what `body` returns.
    @concurrent
    func withSigns<Value: Sendable>(
        of id: TaskID,
        over channel: any Channel,
        limit: Duration? = nil,
        _ body: @concurrent (AsyncStream<Void>) async -> Value
    ) async -> Value {
        let (signs, sign) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let changes = service.changes(of: id)
        sign.yield()
        let interval = TimeAmount(settings.streamInterval)
        let ticks = channel.eventLoop.scheduleRepeatedTask(initialDelay: interval, delay: interval) { _ in
            sign.yield()
        }
        let end = limit.map { limit in
            channel.eventLoop.scheduleTask(in: TimeAmount(limit)) { sign.finish() }
        }
        defer {
            ticks.cancel()
            end?.cancel()
        }
        channel.triggerUserOutboundEvent(ClientDeparture { sign.finish() }, promise: nil)
        return await withGracefulShutdownHandler {
            await withTaskGroup(of: Void.self) { group in
                group.addTask {
                    for await _ in changes { sign.yield() }
                }
                let value = await body(signs)
                group.cancelAll()
                return value
            }
        } onGracefulShutdown: {
            sign.finish()
        }
    }

    /// Waits for the end of a task.
    ///
    /// - Parameters:
    ///   - task: as it is.
    ///   - limit: how long to wait.
    ///   - call: whose client waits; if that goes away, nobody waits any more.
    /// - Returns: the task, ended or as it is when the waiting is over.
    /// - Throws: 404 if the task was removed meanwhile, 401 if the key was revoked, or why it cannot be looked at.
    func ended(_ task: GenerationTask, within limit: Duration, _ call: Call) async throws(Problem) -> GenerationTask {
        if task.status.isTerminal { return task }
        let outcome: Result<GenerationTask, Problem> = await withSigns(
            of: task.id,
            over: call.channel,
            limit: limit
        ) { signs in
            do throws(Problem) {
                for await _ in signs {
                    let now = try await stillKnownTask(task.id, call)
                    if now.status.isTerminal { return .success(now) }
                }
                return .success(try await stillKnownTask(task.id, call))
            } catch {
                return .failure(error)
            }
        }
        return try outcome.get()
    }

    /// The task, for a client that may have lost its key since it asked.
    ///
    /// - Throws: 401 or 403 where it has, and as `knownTask`.
    private func stillKnownTask(_ id: TaskID, _ call: Call) async throws(Problem) -> GenerationTask {
        do { try access.gate.check(call.holder, needing: call.scope) } catch { throw Problem(error) }
        return try await knownTask(id, call)
    }

    /// - Throws: 404 where this client has no such task.
    func knownTask(_ id: TaskID, _ call: Call) async throws(Problem) -> GenerationTask {
        let task: GenerationTask?
        do { task = try await service.task(id, of: call.tenant) } catch { throw Problem(error) }
        guard let task else { throw .taskNotFound }
        return task
    }
}
