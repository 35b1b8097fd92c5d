import Foundation
import Redis
import Tasks

/// Which generation answers which request.
extension Transaction {
    /// What a new task is to be attached to.
    enum Attachment {
        case cached(GenerationRecord)
        case joined(GenerationRecord)
        /// A generation of its own; the finished ones are no answer any more.
        case new(withdrawing: [GenerationRecord])
    }

    /// What a submission must know; `attachment` takes the replies in the same order.
    static func lookups(for new: NewTask, at now: Timestamp) -> [StoreDatabase.Lookup] {
        let tenant = Bytes(new.tenant.rawValue.utf8)
        return keys(of: new).map { .answer($0) } + [
            .count(Names.queued), .field(Names.waitingTasks, tenant), .field(Names.usage(now.day), tenant),
            .field(Names.outstanding, tenant),
        ]
    }

    private static func keys(of new: NewTask) -> [GenerationKey] {
        new.cache == .off ? [] : [new.fullKey, new.key].compactMap(\.self)
    }

    /// Looks what a new task is to be attached to.
    ///
    /// A request that may be made with less is answered by the same request made in full, finished or not, before it is
    /// by its own equals.
    ///
    /// - Throws: `queueFull` or `tenantLimit`.
    func attachment(
        of new: NewTask,
        _ limits: AdmissionLimits,
        _ replies: ArraySlice<RESPValue>
    ) throws -> Attachment {
        let keys = Self.keys(of: new)
        let counts = replies.dropFirst(keys.count).map { $0.integer ?? 0 }
        guard counts.count == 4 else { throw DamagedRecord.form }
        var finished: [GenerationRecord] = []
        for (key, reply) in zip(keys, replies) {
            guard let answer = try note(key, reply) else { continue }
            guard answer.row.generation.status == .succeeded else {
                if answer.row.generation.status == .queued { try checkPlace(for: new, limits, waiting: counts[1]) }
                return .joined(answer)
            }
            guard new.cache != .use else { return .cached(answer) }
            finished.append(answer)
        }
        try checkPlace(for: new, limits, waiting: counts[1])
        try checkDeviceTime(for: new, limits, used: counts[2], outstanding: counts[3])
        guard counts[0] < limits.queue else { throw TaskStoreError.queueFull(limit: limits.queue) }
        requireRoom(in: Names.queued, below: limits.queue)
        return .new(withdrawing: finished)
    }

    /// Checks that one more task of a tenant may wait.
    private func checkPlace(for new: NewTask, _ limits: AdmissionLimits, waiting: Int64) throws {
        guard let limit = limits.waitingTasks else { return }
        guard waiting < limit else { throw TaskStoreError.tenantLimit(.waitingTasks(limit)) }
        requireRoom(in: Names.waitingTasks, Bytes(new.tenant.rawValue.utf8), below: limit)
    }

    /// Checks that a tenant may have the device time of one more generation.
    private func checkDeviceTime(
        for new: NewTask,
        _ limits: AdmissionLimits,
        used: Int64,
        outstanding: Int64
    ) throws {
        guard let limit = limits.deviceSecondsPerDay else { return }
        let bound = GenerationRecord.milliseconds(ofCost: limit) - GenerationRecord.milliseconds(ofCost: new.cost)
        guard used + outstanding <= bound else {
            throw TaskStoreError.tenantLimit(.deviceSeconds(limit, retryAfter: now.duration(to: now.nextDay)))
        }
        let tenant = Bytes(new.tenant.rawValue.utf8)
        requireSum((Names.usage(now.day), tenant), (Names.outstanding, tenant), atMost: bound)
    }

    /// A generation in flight, at least as urgent as the task that joins it, and alone on its device if that wants it.
    func join(_ answer: GenerationRecord, by new: NewTask) async throws -> GenerationRecord {
        var record = answer
        record.row.generation.priority = max(record.row.generation.priority, new.priority)
        // One that runs already goes on as it began.
        let isWaiting = record.row.generation.status == .queued
        if isWaiting, new.isDeterministic { record.row.generation.isDeterministic = true }
        guard record != answer else { return record }
        write(record)
        if isWaiting {
            log.queue.append(.inserted(record.row.waiting))
            log.tell(.queue)
        } else {
            log.tell(.raised(record.id, priority: record.row.generation.priority))
        }
        try await noteChanged(tasksOf: record.id)
        return record
    }

    /// Lets those know who watch a task that waits for a generation.
    func noteChanged(tasksOf id: GenerationID) async throws {
        let members = try await database.read("SMEMBERS", [database.key(Names.waiters(id))]).array ?? []
        log.tasks += members.compactMap { $0.bytes.flatMap { TaskID(bytes: .init($0)) } }
    }

    /// Lets a new generation wait.
    func insertGeneration(for task: NewTask, as id: Int64) -> GenerationRecord {
        let row = StoredGeneration(waitingFor: task, as: GenerationID(rawValue: id), since: now)
        let record = GenerationRecord(row: row)
        write(record)
        if row.isAnswer { answeredKeys.insert(task.key) }
        let limit = task.runningLimit.map { Int64(max(1, $0)) }
        set(Names.runningLimits, Bytes(task.tenant.rawValue.utf8), to: limit)
        log.queue.append(.admitted(row.waiting))
        log.tell(.queue)
        return record
    }

    /// Lets a video answer the requests that ask for just what was made, if nothing answers them yet.
    ///
    /// Under a generation of its own that nobody waited for: the tasks of the one that made it asked for something else,
    /// and go on saying so.
    func insertAnswer(to key: GenerationKey, of made: GenerationRecord) async throws {
        guard try await answer(to: key) == nil else { return }
        var answer = made
        answer.row.generation.id = GenerationID(rawValue: try await next(Names.generationNumber))
        answer.row.generation.key = key
        answer.row.generation.request = made.row.generation.request.reduced(by: made.row.generation.plan)
        answer.row.generation.plan = AttemptPlan()
        answer.row.generation.trace = nil
        answer.row.isAnswer = true
        answer.row.fullKey = nil
        answer.row.runningLimit = nil
        answer.wasAnswer = false
        write(answer)
        answeredKeys.insert(key)
    }

    /// The generation that answers the requests of one whose video is gone, if another does.
    func otherAnswer(than lost: GenerationRecord) async throws -> GenerationRecord? {
        for key in [lost.row.fullKey, lost.row.generation.key].compactMap(\.self) {
            let answer = try await answer(to: key)
            if let answer, answer.id != lost.id { return answer }
        }
        return nil
    }

    /// Makes a generation stop answering its key.
    func withdrawAnswer(of generation: GenerationRecord) {
        var generation = generation
        generation.row.isAnswer = false
        write(generation)
        noteIfUnused(generation.id)
    }

    // MARK: Videos

    /// Makes every generation of a video say that it is let go, and answer nothing.
    func expire(_ video: String) async throws {
        for var generation in try await generations(of: video) {
            guard generation.row.generation.result?.expiredAt == nil else { continue }
            generation.row.generation.result?.expiredAt = now
            generation.wasAnswer = generation.row.isAnswer
            generation.row.isAnswer = false
            write(generation)
            noteIfUnused(generation.id)
            log.concernsAllTasks = true
        }
    }

    /// Takes back `expire`: of each key that nothing answers meanwhile, the newest that answered it does so again.
    func restore(_ video: String) async throws {
        // Many may have made the same video, and mostly it is there.
        guard try await isExpired(video) else { return }
        let expired = try await generations(of: video).filter { $0.row.generation.result?.expiredAt != nil }
        for var generation in expired.sorted(by: { $0.id > $1.id }) {
            let key = generation.row.generation.key
            if generation.wasAnswer, !answeredKeys.contains(key), try await answer(to: key) == nil {
                generation.row.isAnswer = true
                answeredKeys.insert(key)
            }
            generation.wasAnswer = false
            generation.row.generation.result?.expiredAt = nil
            write(generation)
            log.concernsAllTasks = true
        }
    }
}
