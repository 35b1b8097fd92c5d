import Tasks

/// One change of what waits, as every process makes it.
enum QueueChange: Sendable, Equatable {
    /// A new generation waits, and says how many of its tenant may run.
    case admitted(WaitingGeneration)
    /// A generation waits that was there before.
    case inserted(WaitingGeneration)
    case removed(GenerationID)
    case taken(GenerationID, at: Timestamp)
    /// An attempt has ended, and took so many seconds.
    case settled(GenerationID, actual: Double)
}

/// What a transaction tells every process: what it did to the queue, and who is to be told.
struct LogEntry: Sendable, Equatable {
    var queue: [QueueChange] = []
    var tasks: [TaskID] = []
    /// A video was let go, or is there again: tasks that nobody has read for it have changed.
    var concernsAllTasks = false
    var hasNewDeliveries = false
    var hasChangedKeys = false
    /// Nothing is in it twice.
    private(set) var news: [StoreNews] = []

    var isEmpty: Bool { self == LogEntry() }

    mutating func tell(_ item: StoreNews) {
        if !news.contains(item) { news.append(item) }
    }

    private static let version: UInt8 = 1

    init() {}

    var bytes: Bytes {
        var writer = RecordWriter()
        writer.append([Self.version])
        writer.put(queue) { writer, change in
            switch change {
            case .admitted(let waiting):
                writer.append([1])
                writer.put(waiting)
            case .inserted(let waiting):
                writer.append([2])
                writer.put(waiting)
            case .removed(let id):
                writer.append([3])
                writer.put(id)
            case .taken(let id, let at):
                writer.append([4])
                writer.put(id)
                writer.put(at)
            case .settled(let id, let actual):
                writer.append([5])
                writer.put(id)
                writer.put(actual)
            }
        }
        writer.put(tasks) { $0.put($1) }
        writer.put(concernsAllTasks)
        writer.put(hasNewDeliveries)
        writer.put(hasChangedKeys)
        writer.put(news) { writer, item in
            switch item {
            case .queue: writer.append([1])
            case .abandoned(let id):
                writer.append([2])
                writer.put(id)
            case .raised(let id, let priority):
                writer.append([3])
                writer.put(id)
                writer.put(priority)
            case .missed: writer.append([4])
            }
        }
        return writer.bytes
    }

    /// - Throws: `DamagedRecord` for what a newer version has written, or nobody.
    init(_ bytes: Bytes, requests: RequestCache) throws {
        var reader = RecordReader(bytes, requests: requests)
        guard try reader.raw(1).first == Self.version else {
            throw DamagedRecord(reason: "an entry of the log is of a version that this server does not know")
        }
        queue = try reader.array { reader in
            switch try reader.raw(1).first {
            case 1: .admitted(try reader.waiting())
            case 2: .inserted(try reader.waiting())
            case 3: .removed(try reader.generation())
            case 4: .taken(try reader.generation(), at: try reader.timestamp())
            case 5: .settled(try reader.generation(), actual: try reader.double())
            default: throw DamagedRecord(reason: "an entry of the log has an unknown change")
            }
        }
        tasks = try reader.array { try $0.task() }
        concernsAllTasks = try reader.bool()
        hasNewDeliveries = try reader.bool()
        hasChangedKeys = try reader.bool()
        news = try reader.array { reader in
            switch try reader.raw(1).first {
            case 1: .queue
            case 2: .abandoned(try reader.generation())
            case 3: .raised(try reader.generation(), priority: try reader.int())
            // News of a newer version is a reason to look at everything.
            default: .missed
            }
        }
    }
}

extension FairQueue {
    /// Makes a change that has happened, whatever this queue would have allowed.
    mutating func apply(_ change: QueueChange) {
        switch change {
        case .admitted(let waiting): insert(waiting)
        case .inserted(let waiting):
            // How many of its tenant may run stays as it was said last.
            let limit = runningLimit(of: waiting.tenant)
            insert(waiting)
            setRunningLimit(of: waiting.tenant, to: limit)
        case .removed(let id): remove(id)
        case .taken(let id, let at):
            guard take(id, at: at) == nil, let waiting = self[id] else { return }
            // It was allowed where it was taken: there the tenant's limit was another, or the clock ahead.
            let limit = runningLimit(of: waiting.tenant)
            setRunningLimit(of: waiting.tenant, to: nil)
            if take(id, at: max(at, waiting.notBefore)) == nil { remove(id) }
            setRunningLimit(of: waiting.tenant, to: limit)
        case .settled(let id, let actual): settle(id, actual: actual)
        }
    }
}
