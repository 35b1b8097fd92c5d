import Tasks

/// A delivery as it is kept.
struct DeliveryRecord: StoredRecord {
    var delivery: Delivery
    /// An earlier one of its task is pending, so that this one is not to be sent yet.
    var isBehind: Bool
    /// Taken by a sender, until `delivery.nextAttemptAt`.
    var isUnderWay = false
    /// A later event of the task took its place while it was under way.
    var isOutdated = false
    var fence: Int64 = 0

    var number: Int64 { delivery.id.number }
    var name: Bytes { Names.delivery(number) }

    var indexes: Set<IndexEntry> {
        let member = number.bytes
        var entries: Set<IndexEntry> = [
            .scored(Names.deliveries(delivery.status), member, 0),
            .scored(Names.deliveries(of: delivery.tenant, delivery.status), member, 0),
            .scored(Names.deliveries(of: delivery.id.task), member, 0),
        ]
        if let endedAt = delivery.endedAt {
            entries.insert(.scored(Names.endedDeliveries, member, endedAt.milliseconds))
        }
        if delivery.status == .pending, !isBehind, let due = delivery.nextAttemptAt {
            entries.insert(.scored(Names.due(delivery.url.receiver), member, due.milliseconds))
        }
        return entries
    }

    init(delivery: Delivery, isBehind: Bool) {
        self.delivery = delivery
        self.isBehind = isBehind
    }

    init(named name: Bytes, _ reader: inout RecordReader) throws {
        guard let number = GenerationID(bytes: name.dropFirst(2))?.rawValue else { throw DamagedRecord.short }
        delivery = Delivery(
            id: DeliveryID(task: try reader.task(), number: number),
            tenant: TenantID(rawValue: try reader.string()),
            event: try reader.named(CallbackEvent.self),
            url: CallbackURL(stored: try reader.string(), receiver: try reader.string()),
            origin: try reader.string(),
            status: try reader.named(DeliveryStatus.self),
            attempts: try reader.int(),
            lastResponse: try reader.optionalInt(),
            failure: try reader.optional { try $0.failure() },
            createdAt: try reader.timestamp(),
            nextAttemptAt: try reader.optionalTimestamp(),
            endedAt: try reader.optionalTimestamp()
        )
        isBehind = try reader.bool()
        isUnderWay = try reader.bool()
        isOutdated = try reader.bool()
        fence = try reader.int64()
    }

    func write(_ writer: inout RecordWriter) {
        writer.put(delivery.id.task)
        writer.put(delivery.tenant.rawValue)
        writer.put(delivery.event.rawValue)
        writer.put(delivery.url.text)
        writer.put(delivery.url.receiver)
        writer.put(delivery.origin)
        writer.put(delivery.status.rawValue)
        writer.put(delivery.attempts)
        writer.put(delivery.lastResponse)
        writer.put(delivery.failure) { $0.put($1) }
        writer.put(delivery.createdAt)
        writer.put(delivery.nextAttemptAt)
        writer.put(delivery.endedAt)
        writer.put(isBehind)
        writer.put(isUnderWay)
        writer.put(isOutdated)
        writer.put(fence)
    }

    /// Takes over what an attempt that did not succeed has found.
    mutating func note(_ response: Int?, _ failure: TaskFailure) {
        if let response { delivery.lastResponse = response }
        delivery.failure = failure
    }
}
