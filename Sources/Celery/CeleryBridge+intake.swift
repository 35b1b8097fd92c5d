import Logging
import Redis
import Synchronization
import Tasks

extension CeleryBridge {
    /// The longest time before a message that cannot be accepted now is tried again.
    private static let longestPause = Duration.seconds(30)

    /// Takes messages, and decides upon each, until the bridge ends.
    func takeMessages() async {
        while !Task.isCancelled {
            let room = min(CeleryBroker.batch, settings.maxOpenTasks - tasks.count)
            guard room > 0 else {
                await pause(settings.pollInterval)
                continue
            }
            do throws(RedisError) {
                let messages = try await broker.take(now: clock.wallTime(), limit: room)
                let wait = messages.isEmpty ? settings.pollInterval : await decide(messages)
                if let wait { await pause(wait) }
            } catch {
                logger.warning("No tasks can be taken from Celery's broker", metadata: ["reason": "\(error)"])
                await pause(settings.heartbeat)
            }
        }
    }

    /// Decides upon messages, all at once.
    ///
    /// - Returns: how long to wait before those are tried again that were not decided upon; `nil` if all were.
    private func decide(_ messages: [[UInt8]]) async -> Duration? {
        await withTaskGroup(of: Duration?.self) { group in
            for message in messages { group.addTask { await self.decide(message) } }
            return await group.reduce(nil) { longest, wait in
                guard let wait else { return longest }
                return max(longest ?? .zero, wait)
            }
        }
    }

    private func decide(_ bytes: [UInt8]) async -> Duration? {
        do throws(RedisError) {
            switch CeleryMessage.read(bytes, taskName: settings.taskName) {
            case .task(let message):
                return try await decide(message, bytes)
            case .refused(let brief?, let exception):
                await monitors.publish(.received(brief))
                try await fail(brief, exception, .open)
                try await broker.bury(bytes)
                metrics.message(.refused)
                logger.warning(
                    "A task of Celery was not taken",
                    metadata: ["celery_id": "\(brief.id)", "code": "\(exception.code)"])
            case .refused(nil, let exception):
                try await broker.bury(bytes)
                metrics.message(.unreadable)
                logger.warning(
                    "A message in Celery's broker cannot be read, and nobody can be told",
                    metadata: ["code": "\(exception.code)", "reason": "\(exception.message)"])
            }
            return nil
        } catch {
            logger.warning("A task of Celery could not be decided upon", metadata: ["reason": "\(error)"])
            return settings.heartbeat
        }
    }

    private func decide(_ message: CeleryMessage, _ bytes: [UInt8]) async throws(RedisError) -> Duration? {
        let now = clock.wallTime()
        if try await broker.isRevoked(message.id) {
            try await revoke(message.brief, .revoked)
            try await broker.drop(bytes)
            return nil
        }
        if let expires = message.expires, expires <= now {
            try await revoke(message.brief, .expired)
            try await broker.drop(bytes)
            return nil
        }
        if let eta = message.eta, eta > now {
            await monitors.publish(.received(message.brief))
            try await broker.delay(bytes, message.id, until: eta)
            metrics.message(.delayed)
            return nil
        }
        if let open = tasks[message.id] {
            // What is open is followed already; the message may be here because the broker did not answer in time.
            try await broker.accept(bytes, as: open)
            metrics.message(.duplicate)
            return nil
        }
        if message.eta == nil { await monitors.publish(.received(message.brief)) }
        return try await submit(message, bytes)
    }

    private func submit(_ message: CeleryMessage, _ bytes: [UInt8]) async throws(RedisError) -> Duration? {
        switch await submissions.submit(message.body, idempotencyKey: message.id) {
        case .accepted(let task, let tenant):
            let open = OpenTask(brief: message.brief, task: task, tenant: tenant)
            try await broker.accept(bytes, as: open)
            processed.withLock { $0 += 1 }
            metrics.message(.accepted)
            logger.info(
                "Took a task of Celery", metadata: ["celery_id": "\(message.id)", "task_id": "\(task)"])
            follow(open)
        case .refused(let exception):
            try await fail(message.brief, exception, .open)
            try await broker.drop(bytes)
            metrics.message(.refused)
        case .conflict(let exception):
            // The id is that of a task whose result must not be overwritten.
            try await fail(message.brief, exception, .absent)
            try await broker.bury(bytes)
            metrics.message(.refused)
            logger.warning("The id of a task of Celery was used before", metadata: ["celery_id": "\(message.id)"])
        case .later(let code, let wait):
            logger.info(
                "A task of Celery cannot be accepted yet", metadata: ["celery_id": "\(message.id)", "code": "\(code)"])
            return min(max(wait, settings.pollInterval), Self.longestPause)
        }
        return nil
    }

    private func fail(
        _ brief: CeleryBrief,
        _ exception: CeleryException,
        _ place: RecordPlace
    ) async throws(RedisError) {
        try await broker.record(CeleryRecord(.failure, exception, doneAt: clock.wallTime()), of: brief, place)
        metrics.recorded(.failure)
        await monitors.publish(.failed(brief.id, exception))
    }

    /// Ends a task that was not begun.
    func revoke(_ brief: CeleryBrief, _ exception: CeleryException) async throws(RedisError) {
        try await broker.record(CeleryRecord(.revoked, exception, doneAt: clock.wallTime()), of: brief, .open)
        metrics.recorded(.revoked)
        metrics.message(exception == .expired ? .expired : .revoked)
        await monitors.publish(.revoked(brief.id, isTerminated: false, isExpired: exception == .expired))
    }
}
