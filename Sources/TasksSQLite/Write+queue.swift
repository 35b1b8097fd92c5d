import GRDB
import Tasks

/// What the queue in memory is told of.
extension Write {
    /// Tells the queue what became of a generation.
    ///
    /// - Parameters:
    ///   - row: as it is now.
    ///   - before: its status before.
    ///   - end: when it stopped running, if it ran.
    /// - Throws: what SQLite says.
    func tellQueue(of row: GenerationRow, before: TaskStatus, at end: Timestamp) throws {
        let id = row.generation.id
        if before == .running {
            let started = row.generation.startedAt ?? end
            let seconds = max(0, started.duration(to: end).inSeconds)
            queue.settle(id, actual: seconds)
            if seconds > 0 { try noteDeviceTime(seconds, of: row.generation.tenant, on: end.day) }
            // Of its tenant one more may run.
            effects.tell(.queue)
        }
        switch row.generation.status {
        case .queued:
            queue.insert(row.waiting)
            effects.tell(.queue)
        // Who claimed it has taken it.
        case .running: break
        case .succeeded, .failed, .cancelled: queue.remove(id)
        }
    }

    /// Takes the generation that a claim asks for, or the first of all.
    func takeQueued(_ id: GenerationID?) throws -> GenerationRow? {
        while let taken = queue.take(id, at: now) {
            let row = try generation(taken.id)
            if let row, row.generation.status == .queued { return row }
            // Not in the database as it was told: it is in nobody's way any more.
            queue.settle(taken.id, actual: 0)
        }
        return nil
    }
}

extension FairQueue {
    /// The queue of a database, read row by row.
    ///
    /// What runs by its rows is put back later; how many of its tenant may run is known before.
    ///
    /// - Parameters:
    ///   - aging: how long waiting takes to raise a generation by one priority.
    ///   - db: where it waits.
    /// - Throws: `DamagedRow`, or what SQLite says.
    init(aging: Duration, in db: Database) throws {
        self.init(aging: aging)
        let running = try Row.fetchAll(
            db,
            sql: "SELECT tenant, running_limit FROM generations WHERE status = 'running' ORDER BY id"
        )
        for row in running { setRunningLimit(of: TenantID(rawValue: row[0]), to: row[1]) }
        let rows = try Row.fetchCursor(
            db,
            sql: "SELECT \(GenerationRow.columns) FROM generations g WHERE g.status = 'queued' ORDER BY g.id"
        )
        while let row = try rows.next() { insert(try GenerationRow(row: row).waiting) }
    }
}
