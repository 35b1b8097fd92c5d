import Foundation
import GRDB
import Tasks

/// A stored value that no version of this program has written.
struct DamagedRow: Error {
    var column: String
}

/// A generation as a row.
typealias GenerationRow = StoredGeneration

extension StoredGeneration {
    /// In the order of the initializer's indices.
    static let columns = """
        g.id, g.key, g.request, g.seed, g.model, g.status, g.priority, g.attempts, g.failures, g.stage, g.step, \
        g.total_steps, g.video, g.bytes, g.width, g.height, g.rendered_width, g.rendered_height, g.num_frames, g.fps, \
        g.failure_code, g.failure_message, g.created_at, g.started_at, g.is_answer, g.not_before, g.lease_owner, \
        g.lease_deadline, g.fence, g.expired_at, g.memory_mode, g.plan_memory_mode, g.plan_width, g.plan_height, \
        g.plan_num_frames, g.plan_steps, g.plan_step_cache, g.made_steps, g.made_step_cache, g.tenant, g.weight, \
        g.cost, g.memory_bytes, g.is_deterministic, g.full_key, g.running_limit, g.trace
        """

    /// How many columns those are.
    static let columnCount = 47

    /// Reads a row that starts with `columns`.
    ///
    /// - Parameters:
    ///   - row: what SQLite has found.
    ///   - requests: those that were read before; `nil`: it is read anew.
    /// - Throws: `DamagedRow`, or a decoding error.
    init(row: Row, requests: RequestCache? = nil) throws {
        guard let seed = UInt32(exactly: row[3] as Int64) else { throw DamagedRow(column: "seed") }
        let generation = Generation(
            id: GenerationID(rawValue: row[0]),
            key: GenerationKey(rawValue: row[1]),
            request: try requests?.request(row[2]) ?? VideoRequest(canonicalBytes: row[2]),
            seed: seed,
            model: row[4],
            status: try status(row[5]),
            priority: row[6],
            attempts: row[7],
            failures: row[8],
            progress: try Self.progress(row),
            result: try Self.result(row),
            failure: (row[20] as String?).map { TaskFailure(code: $0, message: row[21] ?? "") },
            createdAt: Timestamp(milliseconds: row[22]),
            startedAt: (row[23] as Int64?).map(Timestamp.init(milliseconds:)),
            plan: try Self.plan(row),
            tenant: TenantID(rawValue: row[39]),
            isDeterministic: row[43],
            trace: (row[46] as String?).flatMap(TraceContext.init(text:))
        )
        self.init(
            generation: generation,
            isAnswer: row[24],
            notBefore: Timestamp(milliseconds: row[25]),
            leaseOwner: row[26],
            leaseDeadline: (row[27] as Int64?).map(Timestamp.init(milliseconds:)),
            fence: row[28],
            weight: row[40],
            cost: row[41],
            memoryBytes: row[42],
            fullKey: (row[44] as String?).map(GenerationKey.init(rawValue:)),
            runningLimit: row[45]
        )
    }

    private static func progress(_ row: Row) throws -> GenerationProgress? {
        guard let name = row[9] as String?, let step = row[10] as Int?, let total = row[11] as Int? else { return nil }
        guard let stage = GenerationProgress.Stage(rawValue: name) else { throw DamagedRow(column: "stage") }
        return GenerationProgress(stage: stage, step: step, totalSteps: total)
    }

    private static func memoryMode(_ text: String?) throws -> MemoryMode? {
        guard let text else { return nil }
        guard let mode = MemoryMode(rawValue: text) else { throw DamagedRow(column: "memory_mode") }
        return mode
    }

    private static func stepCache(_ text: String?) throws -> StepCacheLevel? {
        guard let text else { return nil }
        guard let level = StepCacheLevel(rawValue: text) else { throw DamagedRow(column: "step_cache") }
        return level
    }

    private static func plan(_ row: Row) throws -> AttemptPlan {
        var plan = AttemptPlan(
            memoryMode: try memoryMode(row[31]),
            steps: row[35],
            stepCache: try stepCache(row[36])
        )
        if let width = row[32] as Int?, let height = row[33] as Int?, let frames = row[34] as Int? {
            plan.shape = VideoShape(width: width, height: height, numFrames: frames)
        }
        return plan
    }

    private static func result(_ row: Row) throws -> GenerationResult? {
        guard let video = row[12] as String? else { return nil }
        return GenerationResult(
            video: video,
            bytes: row[13] ?? 0,
            width: row[14] ?? 0,
            height: row[15] ?? 0,
            renderedWidth: row[16] ?? 0,
            renderedHeight: row[17] ?? 0,
            numFrames: row[18] ?? 0,
            fps: row[19] ?? 0,
            expiredAt: (row[29] as Int64?).map(Timestamp.init(milliseconds:)),
            memoryMode: try memoryMode(row[30]),
            steps: row[37],
            stepCache: try stepCache(row[38])
        )
    }
}

/// Tasks with their generations: the columns, and how to read them.
enum TaskRow {
    static let columns = """
        t.tenant, t.id, t.status, t.is_cached, t.created_at, t.finished_at, \
        t.callback_url, t.callback_receiver, t.callback_events, t.callback_origin, t.access_key, t.remixed_from, \
        t.trace
        """

    /// How many columns those are.
    static let columnCount = 13

    /// Everything of a task and its generation.
    static let select = select(from: "tasks t")

    /// The same for a page; SQLite would read all of a tenant's tasks to find those of one status.
    static func select(from query: TaskQuery) -> String {
        let ofOneStatus = query.tenant != nil && query.status != nil
        return ofOneStatus ? select(from: "tasks t INDEXED BY tasks_status") : select
    }

    private static func select(from source: String) -> String {
        "SELECT \(GenerationRow.columns), \(columns) FROM \(source) JOIN generations g ON g.id = t.generation_id"
    }

    /// Reads a row of `select`, or one that starts like it.
    static func task(_ row: Row) throws -> GenerationTask {
        try task(row, generation: GenerationRow(row: row).generation, offset: GenerationRow.columnCount)
    }

    /// Reads a row whose task columns start at an offset.
    static func task(_ row: Row, generation: Generation, offset: Int = 0) throws -> GenerationTask {
        GenerationTask(
            id: try taskID(row[offset + 1]),
            tenant: TenantID(rawValue: row[offset]),
            status: try status(row[offset + 2]),
            isCached: row[offset + 3],
            createdAt: Timestamp(milliseconds: row[offset + 4]),
            finishedAt: (row[offset + 5] as Int64?).map(Timestamp.init(milliseconds:)),
            callback: try callback(row, offset: offset + 6),
            accessKey: (row[offset + 10] as String?).map(KeyID.init(rawValue:)),
            remixedFrom: try (row[offset + 11] as Data?).map(taskID),
            trace: (row[offset + 12] as String?).flatMap(TraceContext.init(text:)),
            generation: generation
        )
    }

    private static func callback(_ row: Row, offset: Int) throws -> Callback? {
        guard let url = row[offset] as String? else { return nil }
        guard let receiver = row[offset + 1] as String?, let events = row[offset + 2] as String?,
            let origin = row[offset + 3] as String?
        else { throw DamagedRow(column: "callback_url") }
        return Callback(
            url: CallbackURL(stored: url, receiver: receiver),
            events: try CallbackEventList.events(events),
            origin: origin
        )
    }
}

/// A set of callback events in one column.
enum CallbackEventList {
    static func text(_ events: Set<CallbackEvent>) -> String {
        events.map(\.rawValue).sorted().joined(separator: " ")
    }

    static func events(_ text: String) throws -> Set<CallbackEvent> {
        Set(
            try text.split(separator: " ").map { name in
                guard let event = CallbackEvent(rawValue: String(name)) else {
                    throw DamagedRow(column: "callback_events")
                }
                return event
            }
        )
    }
}

func status(_ text: String) throws -> TaskStatus {
    guard let status = TaskStatus(rawValue: text) else { throw DamagedRow(column: "status") }
    return status
}

func taskID(_ bytes: Data) throws -> TaskID {
    guard let id = TaskID(bytes: bytes) else { throw DamagedRow(column: "id") }
    return id
}
