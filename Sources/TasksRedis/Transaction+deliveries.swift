import Redis
import Tasks

/// The outbox of callbacks: how deliveries come into being and end.
///
/// The pending deliveries of a task stand in a line, which its record has; only the first may be sent.
extension Transaction {
    /// Takes numbers for the deliveries of an event that happens to several tasks.
    func reserveNumbers(for kind: TaskEvent.Kind, _ tasks: [TaskRecord]) async throws {
        guard let event = kind.callbackEvent else { return }
        try await reserveNumbers(tasks.count { $0.callback?.events.contains(event) == true })
    }

    func reserveNumbers(_ count: Int) async throws {
        guard count > deliveryNumbers.count else { return }
        let reply = try await database.read(
            "INCRBY",
            [database.key(Names.deliveryNumber), Bytes(String(count).utf8)]
        )
        guard let last = reply.integer else { throw DamagedRecord.form }
        deliveryNumbers = Array((last - Int64(count) + 1)...last)
    }

    /// Stores a delivery at the end of its task's line.
    func insertDelivery(of event: CallbackEvent, of task: inout TaskRecord, to callback: Callback) async throws {
        if callback.events.contains(where: { !$0.isEnd }) { try await supersedeNews(of: &task) }
        try await reserveNumbers(1)
        let number = deliveryNumbers.removeFirst()
        let delivery = Delivery(
            id: DeliveryID(task: task.id, number: number),
            tenant: task.tenant,
            event: event,
            url: callback.url,
            origin: callback.origin,
            status: .pending,
            attempts: 0,
            lastResponse: nil,
            failure: nil,
            createdAt: now,
            nextAttemptAt: now,
            endedAt: nil
        )
        write(DeliveryRecord(delivery: delivery, isBehind: !task.pending.isEmpty))
        task.pending.append(number)
        if event == .progress { task.lastProgress = number }
        settle(callback.url.receiver)
        log.hasNewDeliveries = true
    }

    func delivery(_ number: Int64) async throws -> DeliveryRecord? {
        try await record(DeliveryRecord.self, Names.delivery(number))
    }

    /// Whether a task's progress may be delivered again.
    func isProgressDue(of task: TaskRecord) async throws -> Bool {
        guard let number = task.lastProgress, let last = try await delivery(number) else { return true }
        return last.delivery.status != .pending
            && last.delivery.createdAt.advanced(by: CallbackEvent.progressInterval) <= now
    }

    /// Ends news of a task that waits; what is under way ends with its attempt.
    private func supersedeNews(of task: inout TaskRecord) async throws {
        var hasEnded = false
        for number in task.pending {
            guard var row = try await delivery(number), !row.delivery.event.isEnd else { continue }
            if row.isUnderWay, let until = row.delivery.nextAttemptAt, until > now {
                row.isOutdated = true
                write(row)
            } else {
                end(&row, as: .superseded, of: &task)
                hasEnded = true
            }
        }
        if hasEnded { try await lineUp(task) }
    }

    /// Removes what would tell of a success that was none.
    func dropNewsOfSuccess(of task: inout TaskRecord) async throws {
        for number in task.pending {
            guard let row = try await delivery(number), row.delivery.event == .succeeded else { continue }
            delete(row.name)
            task.pending.removeAll { $0 == number }
            settle(row.delivery.url.receiver)
        }
        try await lineUp(task)
    }

    /// Ends a delivery; the next one of its task may be sent once the line is in order.
    func end(_ row: inout DeliveryRecord, as status: DeliveryStatus, of task: inout TaskRecord) {
        row.delivery.status = status
        row.delivery.nextAttemptAt = nil
        row.delivery.endedAt = now
        row.isUnderWay = false
        row.isOutdated = false
        row.isBehind = false
        task.pending.removeAll { $0 == row.number }
        write(row)
        settle(row.delivery.url.receiver)
    }

    /// Lets the first pending delivery of a task be sent, and no other.
    func lineUp(_ task: TaskRecord) async throws {
        for (place, number) in task.pending.enumerated() {
            guard var row = try await delivery(number) else { continue }
            log.hasNewDeliveries = true
            guard row.isBehind != (place > 0) else { continue }
            row.isBehind = place > 0
            write(row)
            settle(row.delivery.url.receiver)
        }
    }
}
