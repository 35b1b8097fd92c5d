import Foundation
import Redis
import Tasks

/// Which deliveries a sender gets: in rounds, one from each receiver that has the fewest under way, in turn.
///
/// Looks at no more receivers than it may need: those that are at their limit, and one for each place.
struct DeliveryRound {
    private let transaction: Transaction
    private let claim: DeliveryClaim
    private let deadline: Timestamp
    /// What is due to each receiver, the longest due first.
    private var due: [String: [(due: Timestamp, number: Int64)]] = [:]
    private var claimed: [ClaimedDelivery] = []

    init(_ transaction: Transaction, _ claim: DeliveryClaim) {
        self.transaction = transaction
        self.claim = claim
        deadline = transaction.now.advanced(by: claim.duration)
    }

    func take() async throws -> [ClaimedDelivery] {
        var round = self
        return try await round.carriedOut()
    }

    private mutating func carriedOut() async throws -> [ClaimedDelivery] {
        var waiting = try await look().map { (receiver: $0, underWay: claim.underWay[$0, default: 0]) }
        var round = waiting.map(\.underWay).min() ?? claim.receiverLimit
        var served: Set<String> = []
        while round < claim.receiverLimit, claimed.count < claim.limit, !waiting.isEmpty {
            var stillWaiting: [(receiver: String, underWay: Int)] = []
            for entry in waiting {
                guard entry.underWay <= round, claimed.count < claim.limit else {
                    stillWaiting.append(entry)
                    continue
                }
                guard let next = try await next(for: entry.receiver) else { continue }
                claimed.append(next)
                served.insert(entry.receiver)
                stillWaiting.append(entry)
            }
            waiting = stillWaiting
            round += 1
        }
        for receiver in served {
            // It goes to the end of the line of receivers.
            transaction.set(Names.served, Bytes(receiver.utf8), to: transaction.now.milliseconds)
            transaction.settle(receiver)
        }
        return claimed
    }

    /// Reads what is due.
    ///
    /// - Returns: the receivers, in turn.
    private mutating func look() async throws -> [String] {
        let numbers = [
            transaction.now.milliseconds, Int64(claim.limit + claim.underWay.count),
            Int64(min(claim.limit, claim.receiverLimit)),
        ]
        let reply = try await transaction.database.run(.due, numbers.map { Bytes(String($0).utf8) })
        var receivers: [String] = []
        for value in reply.array ?? [] {
            guard let pair = value.array, pair.count == 2, let receiver = pair[0].text, let found = pair[1].array
            else { throw DamagedRecord.form }
            receivers.append(receiver)
            for value in found { try note(value, of: receiver) }
        }
        return receivers
    }

    private mutating func note(_ value: RESPValue, of receiver: String) throws {
        guard let parts = value.array, parts.count == 4,
            let number = parts[0].bytes.flatMap({ GenerationID(bytes: $0) })?.rawValue
        else { throw DamagedRecord.form }
        guard let row = try transaction.note(DeliveryRecord.self, Names.delivery(number), parts[1]),
            let task = try transaction.note(TaskRecord.self, Names.task(row.delivery.id.task), parts[2]),
            try transaction.note(GenerationRecord.self, Names.generation(task.generation), parts[3]) != nil
        else { throw DamagedRecord(reason: "a delivery has no task") }
        due[receiver, default: []].append((row.delivery.nextAttemptAt ?? transaction.now, number))
    }

    /// Takes the delivery to a receiver that has been due for longest.
    private mutating func next(for receiver: String) async throws -> ClaimedDelivery? {
        while let first = due[receiver]?.first {
            due[receiver]?.removeFirst()
            guard var row = try await transaction.delivery(first.number),
                var task = try await transaction.record(TaskRecord.self, Names.task(row.delivery.id.task)),
                let generation = try await transaction.record(
                    GenerationRecord.self,
                    Names.generation(task.generation)
                )
            else { throw DamagedRecord(reason: "a delivery has no task") }
            guard !row.isOutdated else {
                // Its sender is gone, and so is the reason to send it.
                transaction.end(&row, as: .superseded, of: &task)
                try await transaction.lineUp(task)
                transaction.write(task)
                try await noteFirst(of: task)
                continue
            }
            row.isUnderWay = true
            row.fence += 1
            row.delivery.attempts += 1
            row.delivery.nextAttemptAt = deadline
            transaction.write(row)
            return ClaimedDelivery(
                delivery: row.delivery,
                task: task.task(generation.row.generation),
                fence: row.fence
            )
        }
        return nil
    }

    /// Lets the delivery that is now first of its task take its place among those of its receiver.
    private mutating func noteFirst(of task: TaskRecord) async throws {
        guard let number = task.pending.first, let row = try await transaction.delivery(number),
            let at = row.delivery.nextAttemptAt, at <= transaction.now
        else { return }
        let receiver = row.delivery.url.receiver
        due[receiver, default: []].append((at, number))
        due[receiver]?.sort { ($0.due.milliseconds, $0.number) < ($1.due.milliseconds, $1.number) }
    }
}
