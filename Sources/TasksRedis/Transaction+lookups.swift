import Foundation
import Redis
import Tasks

/// What transactions read.
extension Transaction {
    /// A task and its generation.
    typealias Found = (task: TaskRecord, generation: GenerationRecord)

    /// A tenant's task that it sees.
    func task(_ id: TaskID, of tenant: TenantID) async throws -> Found? {
        try note(id, of: tenant, try await database.look([.task(id)])[0])
    }

    /// Takes over a task and its generation, if it is this tenant's and not out of its sight.
    func note(_ id: TaskID, of tenant: TenantID, _ value: RESPValue) throws -> Found? {
        guard let found = try note(id, value), found.task.tenant == tenant, found.task.removedAt == nil else {
            return nil
        }
        return found
    }

    func note(_ id: TaskID, _ value: RESPValue) throws -> Found? {
        guard let parts = value.array, parts.count == 2 else { throw DamagedRecord.form }
        guard let task = try note(TaskRecord.self, Names.task(id), parts[0]) else { return nil }
        return (task, try generation(of: task, parts[1]))
    }

    private func generation(of task: TaskRecord, _ value: RESPValue) throws -> GenerationRecord {
        guard let found = try note(GenerationRecord.self, Names.generation(task.generation), value) else {
            throw DamagedRecord(reason: "a task has no generation")
        }
        return found
    }

    /// The generation that answers a key.
    func note(_ key: GenerationKey, _ value: RESPValue) throws -> GenerationRecord? {
        guard let parts = value.array, parts.count == 2 else { throw DamagedRecord.form }
        guard let bytes = noteValue(Names.answer(key), parts[0]) else { return nil }
        guard let id = GenerationID(bytes: bytes) else { throw DamagedRecord.short }
        return try note(GenerationRecord.self, Names.generation(id), parts[1])
    }

    func answer(to key: GenerationKey) async throws -> GenerationRecord? {
        try note(key, try await database.look([.answer(key)])[0])
    }

    /// A generation and the tasks that wait for it, the oldest first.
    typealias Waited = (generation: GenerationRecord, tasks: [TaskRecord])

    func waited(_ id: GenerationID) async throws -> Waited? {
        try noteWaited(id, try await database.look([.waiting(id)])[0])
    }

    func noteWaited(_ id: GenerationID, _ value: RESPValue) throws -> Waited? {
        guard let parts = value.array, parts.count == 3, let members = parts[1].array, let records = parts[2].array,
            members.count == records.count
        else { throw DamagedRecord.form }
        guard let generation = try note(GenerationRecord.self, Names.generation(id), parts[0]) else { return nil }
        var tasks: [TaskRecord] = []
        for (member, value) in zip(members, records) {
            guard let bytes = member.bytes, let id = TaskID(bytes: .init(bytes)) else { throw DamagedRecord.short }
            guard let task = try note(TaskRecord.self, Names.task(id), value) else {
                throw DamagedRecord(reason: "a task that waits is not there")
            }
            tasks.append(task)
        }
        // With every one of them unchanged, and as many as before, they are the same.
        requireCount(of: Names.waiters(id), members.count)
        return (generation, tasks.sorted { $0.id < $1.id })
    }

    /// The generation of a lease.
    ///
    /// - Throws: `leaseLost` unless it runs under exactly this lease.
    func held(_ lease: Lease) async throws -> Waited {
        guard let found = try await waited(lease.generation), found.generation.row.generation.status == .running,
            found.generation.row.leaseOwner == lease.owner.rawValue, found.generation.row.fence == lease.fence
        else { throw TaskStoreError.leaseLost }
        return found
    }

    /// What has made a video.
    func generations(of video: String) async throws -> [GenerationRecord] {
        let found = try await generations(.video(video))
        requireCount(in: Names.videos, beginningWith: Names.hash(video), found.members)
        return found.records
    }

    /// Whether a video is let go: all that have made it say so, or none does.
    func isExpired(_ video: String) async throws -> Bool {
        try await generations(.firstOfVideo(video)).records.contains { $0.row.generation.result?.expiredAt != nil }
    }

    private func generations(
        _ lookup: StoreDatabase.Lookup
    ) async throws -> (members: Int, records: [GenerationRecord]) {
        guard let parts = try await database.look([lookup])[0].array else { throw DamagedRecord.form }
        let records = try parts.compactMap { part in
            guard let pair = part.array, pair.count == 2, let id = pair[0].bytes.flatMap({ GenerationID(bytes: $0) })
            else { throw DamagedRecord.form }
            return try note(GenerationRecord.self, Names.generation(id), pair[1])
        }
        return (parts.count, records)
    }

    /// The next number of a counter.
    func next(_ counter: Bytes) async throws -> Int64 {
        guard let number = try await database.look([.next(counter)])[0].integer else { throw DamagedRecord.form }
        return number
    }

    /// How many of a tenant's generations may run, as it was said last.
    func runningLimit(of tenant: TenantID) async throws -> Int? {
        try await database.look([.field(Names.runningLimits, Bytes(tenant.rawValue.utf8))])[0].integer
            .map { Int(clamping: $0) }
    }
}

extension DamagedRecord {
    static let form = DamagedRecord(reason: "Redis gave an answer of another form")
}
