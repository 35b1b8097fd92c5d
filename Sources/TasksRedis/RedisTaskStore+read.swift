import Foundation
import Redis
package import Tasks

extension RedisTaskStore {
    package func task(_ id: TaskID, of tenant: TenantID) async throws(TaskStoreError) -> GenerationTask? {
        try await read {
            let look = Transaction(self.database, now: self.clock.wallTime())
            return try await look.task(id, of: tenant).map { $0.task.task($0.generation.row.generation) }
        }
    }

    package func owner(of id: TaskID) async throws(TaskStoreError) -> TenantID? {
        try await read {
            let look = Transaction(self.database, now: self.clock.wallTime())
            guard let task = try await look.record(TaskRecord.self, Names.task(id)), task.removedAt == nil else {
                return nil
            }
            return task.tenant
        }
    }

    package func tasks(matching query: TaskQuery) async throws(TaskStoreError) -> TaskPage {
        let limit = max(1, query.limit)
        let statuses = query.status.map { [$0] } ?? TaskStatus.allCases
        let sets = statuses.map { status in
            query.tenant.map { Names.tasks(of: $0, status) } ?? Names.tasks(status)
        }
        return try await read {
            // One more than asked for tells whether there is a next page.
            let members = try await self.page(
                of: sets,
                beyond: query.before.map { Bytes($0.bytes) },
                limit: limit + 1,
                isAscending: query.isAscending
            )
            let ids = members.prefix(limit).compactMap { TaskID(bytes: Data($0)) }
            let look = Transaction(self.database, now: self.clock.wallTime())
            let values = try await self.database.look(ids.map { .task($0) })
            let tasks = try zip(ids, values).compactMap { id, value in
                try look.note(id, value).map { $0.task.task($0.generation.row.generation) }
            }
            // What has changed since the page was looked up is on another one now.
            let listed = tasks.filter { query.status == nil || $0.status == query.status }
            return TaskPage(tasks: listed, next: members.count > limit ? ids.last : nil)
        }
    }

    /// The first members of several sets together, in the order of their bytes.
    func page(of sets: [Bytes], beyond: Bytes?, limit: Int, isAscending: Bool) async throws -> [Bytes] {
        let start = beyond.map { Bytes("(".utf8) + $0 } ?? Bytes((isAscending ? "-" : "+").utf8)
        let reply = try await database.run(
            .page,
            [Bytes((isAscending ? "1" : "0").utf8), start, Bytes(String(limit).utf8)] + sets
        )
        let members = (reply.array ?? []).flatMap { ($0.array ?? []).compactMap(\.bytes) }
        let sorted = members.sorted {
            isAscending ? $0.lexicographicallyPrecedes($1) : $1.lexicographicallyPrecedes($0)
        }
        return Array(sorted.prefix(limit))
    }

    package func unfinished(_ generations: [GenerationID]) async throws(TaskStoreError) -> Set<GenerationID> {
        try await read {
            let look = Transaction(self.database, now: self.clock.wallTime())
            let values = try await self.database.look(generations.map { .record(Names.generation($0)) })
            var found: Set<GenerationID> = []
            for (id, value) in zip(generations, values) {
                let record = try look.note(GenerationRecord.self, Names.generation(id), value)
                if let record, !record.row.generation.status.isTerminal { found.insert(id) }
            }
            return found
        }
    }

    package func videos(_ names: [String]) async throws(TaskStoreError) -> [String: VideoRecord] {
        try await read {
            var records: [String: VideoRecord] = [:]
            for start in stride(from: 0, to: names.count, by: 100) {
                let names = Array(names[start..<min(start + 100, names.count)])
                let values = try await self.database.look(names.map { .video($0) })
                for (name, value) in zip(names, values) {
                    let generations = try (value.array ?? []).compactMap { try self.generation($0) }
                    guard !generations.isEmpty else { continue }
                    let expired = generations.map { $0.row.generation.result?.expiredAt }
                    // One that counts on it is enough.
                    let isKept = expired.contains(nil)
                    records[name] = VideoRecord(expiredAt: isKept ? nil : expired.compactMap(\.self).min())
                }
            }
            return records
        }
    }

    /// A generation behind its id.
    private func generation(_ value: RESPValue) throws -> GenerationRecord? {
        guard let pair = value.array, pair.count == 2, let id = pair[0].bytes.flatMap({ GenerationID(bytes: $0) })
        else { throw DamagedRecord.form }
        guard let bytes = pair[1].bytes else { return nil }
        return try RecordForm.read(
            GenerationRecord.self,
            named: Names.generation(id),
            bytes,
            requests: database.requests
        )
    }

    package func owns(_ tenant: TenantID, video: String) async throws(TaskStoreError) -> Bool {
        try await read {
            let made = try await self.database.look([.video(video)])[0].array ?? []
            let ids = made.compactMap { $0.array?.first?.bytes.flatMap { GenerationID(bytes: $0) } }
            let counts = try await self.database.look(
                ids.map { .field(Names.owners, Names.owner(tenant, of: $0)) }
            )
            return counts.contains { ($0.integer ?? 0) > 0 }
        }
    }

    // MARK: Events

    package func events(after sequence: Int64, limit: Int) async throws(TaskStoreError) -> [TaskEvent] {
        try await read { try await self.storedEvents(after: sequence, limit: limit) }
    }

    func storedEvents(after sequence: Int64, limit: Int) async throws -> [TaskEvent] {
        guard limit > 0 else { return [] }
        let range = ["(\(max(0, sequence))-0", "+", "COUNT", "\(limit)"].map { Bytes($0.utf8) }
        let reply = try await database.read("XRANGE", [database.key(Names.events)] + range)
        return try (reply.array ?? []).map { entry in
            guard let parts = entry.array, parts.count == 2, let id = parts[0].text,
                let sequence = Int64(id.prefix { $0 != "-" }), let bytes = parts[1].array?.last?.bytes,
                bytes.count >= 25, let task = TaskID(bytes: Data(bytes[9..<25]))
            else { throw DamagedRecord.form }
            let event = try TaskRecord.event(sequence: sequence, tail: bytes[..<9])
            return TaskEvent(
                sequence: sequence,
                task: task,
                tenant: TenantID(rawValue: String(decoding: bytes[25...], as: UTF8.self)),
                kind: event.kind,
                at: event.at
            )
        }
    }

    package func events(
        of id: TaskID,
        of tenant: TenantID,
        after sequence: Int64,
        limit: Int
    ) async throws(TaskStoreError) -> [TaskEvent] {
        try await read {
            let values = try await self.database.look([
                .record(Names.task(id)), .record(Names.eventsGone),
            ])
            let look = Transaction(self.database, now: self.clock.wallTime())
            guard let task = try look.note(TaskRecord.self, Names.task(id), values[0]), task.tenant == tenant,
                task.removedAt == nil
            else { return [] }
            let start = max(sequence, values[1].integer ?? 0)
            return task.events.filter { $0.sequence > start }.prefix(max(0, limit)).map { event in
                TaskEvent(sequence: event.sequence, task: id, tenant: tenant, kind: event.kind, at: event.at)
            }
        }
    }

    package func news() -> AsyncStream<StoreNews> {
        signs.news.stream()
    }

    package func changes(of id: TaskID) -> AsyncStream<Void> {
        signs.tasks.stream(of: id)
    }
}
