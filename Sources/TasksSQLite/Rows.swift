import Foundation
import GRDB
import Tasks

/// A stored value that no version of this program has written.
struct DamagedRow: Error {
    var column: String
}

/// A generation with the columns that never leave the store.
struct GenerationRow {
    var generation: Generation
    var isAnswer: Bool
    var notBefore: Timestamp
    var leaseOwner: String?
    var leaseDeadline: Timestamp?
    var fence: Int64

    /// In the order of the initializer's indices.
    static let columns = """
        g.id, g.key, g.request, g.seed, g.model, g.status, g.priority, g.attempts, g.failures, g.stage, g.step, \
        g.total_steps, g.video, g.bytes, g.width, g.height, g.rendered_width, g.rendered_height, g.num_frames, g.fps, \
        g.failure_code, g.failure_message, g.created_at, g.started_at, g.is_answer, g.not_before, g.lease_owner, \
        g.lease_deadline, g.fence, g.expired_at, g.memory_mode, g.plan_memory_mode, g.plan_width, g.plan_height, \
        g.plan_num_frames
        """

    /// How many columns those are.
    static let columnCount = 35

    /// Reads a row that starts with `columns`.
    init(row: Row) throws {
        guard let seed = UInt32(exactly: row[3] as Int64) else { throw DamagedRow(column: "seed") }
        generation = Generation(
            id: GenerationID(rawValue: row[0]),
            key: GenerationKey(rawValue: row[1]),
            request: try VideoRequest(canonicalBytes: row[2]),
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
            plan: try Self.plan(row)
        )
        isAnswer = row[24]
        notBefore = Timestamp(milliseconds: row[25])
        leaseOwner = row[26]
        leaseDeadline = (row[27] as Int64?).map(Timestamp.init(milliseconds:))
        fence = row[28]
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

    private static func plan(_ row: Row) throws -> AttemptPlan {
        var plan = AttemptPlan(memoryMode: try memoryMode(row[31]))
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
            memoryMode: try memoryMode(row[30])
        )
    }
}

/// Tasks with their generations: the columns, and how to read them.
enum TaskRow {
    static let columns = """
        t.tenant, t.id, t.status, t.is_cached, t.created_at, t.finished_at, \
        t.callback_url, t.callback_receiver, t.callback_events, t.callback_origin
        """

    /// How many columns those are.
    static let columnCount = 10

    /// Everything of a task and its generation.
    static let select = """
        SELECT \(GenerationRow.columns), \(columns)
        FROM tasks t JOIN generations g ON g.id = t.generation_id
        """

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
