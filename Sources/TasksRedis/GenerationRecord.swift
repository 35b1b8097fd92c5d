import Foundation
import Tasks

/// A generation as it is kept.
struct GenerationRecord: StoredRecord, Equatable {
    var row: StoredGeneration
    /// It answered its key when its video was let go.
    var wasAnswer = false

    var id: GenerationID { row.generation.id }
    var name: Bytes { Names.generation(id) }

    /// Predicted milliseconds that a tenant's share of a day is charged with while this waits or runs.
    static func milliseconds(ofCost cost: Double) -> Int64 {
        Int64((cost.isFinite ? min(max(0, cost), 1e9) : 0) * 1000)
    }

    var indexes: Set<IndexEntry> {
        let generation = row.generation
        let tenant = Bytes(generation.tenant.rawValue.utf8)
        var entries: Set<IndexEntry> = []
        if row.isAnswer { entries.insert(.value(Names.answer(generation.key), id.bytes)) }
        switch generation.status {
        case .queued: entries.insert(.scored(Names.queued, id.bytes, 0))
        case .running:
            entries.insert(.scored(Names.leases, id.bytes, row.leaseDeadline?.milliseconds ?? 0))
            entries.insert(.count(Names.running, tenant, 1))
        case .succeeded, .failed, .cancelled: break
        }
        if !generation.status.isTerminal {
            entries.insert(.count(Names.outstanding, tenant, Self.milliseconds(ofCost: row.cost)))
            for media in Set(generation.request.inputs.values) {
                entries.insert(.count(Names.media, Names.media(media), 1))
            }
        }
        if let video = generation.result?.video {
            entries.insert(.scored(Names.videos, Names.hash(video) + id.bytes, 0))
        }
        return entries
    }

    init(row: StoredGeneration, wasAnswer: Bool = false) {
        self.row = row
        self.wasAnswer = wasAnswer
    }

    init(named name: Bytes, _ reader: inout RecordReader) throws {
        guard let id = GenerationID(bytes: name.dropFirst(2)) else { throw DamagedRecord.short }
        let key = GenerationKey(rawValue: Names.text(ofHash: try reader.data()))
        let request = try Self.request(&reader)
        let seed = UInt32(truncatingIfNeeded: try reader.int64())
        let generation = Generation(
            id: id,
            key: key,
            request: request,
            seed: seed,
            model: try reader.string(),
            status: try reader.named(TaskStatus.self),
            priority: try reader.int(),
            attempts: try reader.int(),
            failures: try reader.int(),
            progress: try reader.optional { try $0.progress() },
            result: try reader.optional { try $0.result() },
            failure: try reader.optional { try $0.failure() },
            createdAt: try reader.timestamp(),
            startedAt: try reader.optionalTimestamp(),
            plan: try reader.plan(),
            tenant: TenantID(rawValue: try reader.string()),
            isDeterministic: try reader.bool(),
            trace: try reader.optionalString().flatMap(TraceContext.init(text:))
        )
        row = StoredGeneration(
            generation: generation,
            isAnswer: try reader.bool(),
            notBefore: try reader.timestamp(),
            leaseOwner: try reader.optionalString(),
            leaseDeadline: try reader.optionalTimestamp(),
            fence: try reader.int64(),
            weight: try reader.double(),
            cost: try reader.double(),
            memoryBytes: try reader.int64(),
            fullKey: try reader.optional { Names.text(ofHash: try $0.data()) }.map(GenerationKey.init(rawValue:)),
            runningLimit: try reader.optionalInt()
        )
        wasAnswer = try reader.bool()
    }

    private static func request(_ reader: inout RecordReader) throws -> VideoRequest {
        let bytes = Data(try reader.data())
        do {
            return try reader.requests.request(bytes)
        } catch {
            throw DamagedRecord(reason: "its request cannot be read")
        }
    }

    func write(_ writer: inout RecordWriter) {
        let generation = row.generation
        writer.put(Names.hash(generation.key.rawValue))
        writer.put(Bytes(generation.request.canonicalBytes))
        writer.put(Int64(generation.seed))
        writer.put(generation.model)
        writer.put(generation.status.rawValue)
        writer.put(generation.priority)
        writer.put(generation.attempts)
        writer.put(generation.failures)
        writer.put(generation.progress) { $0.put($1) }
        writer.put(generation.result) { $0.put($1) }
        writer.put(generation.failure) { $0.put($1) }
        writer.put(generation.createdAt)
        writer.put(generation.startedAt)
        writer.put(generation.plan)
        writer.put(generation.tenant.rawValue)
        writer.put(generation.isDeterministic)
        writer.put(generation.trace?.text)
        writer.put(row.isAnswer)
        writer.put(row.notBefore)
        writer.put(row.leaseOwner)
        writer.put(row.leaseDeadline)
        writer.put(row.fence)
        writer.put(row.weight)
        writer.put(row.cost)
        writer.put(row.memoryBytes)
        writer.put(row.fullKey) { $0.put(Names.hash($1.rawValue)) }
        writer.put(row.runningLimit)
        writer.put(wasAnswer)
    }
}
