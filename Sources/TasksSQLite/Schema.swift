import GRDB

/// The tables, one migration for each version that was ever released.
enum Schema {
    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1 tasks and generations") { db in
            try db.execute(sql: tasksAndGenerations)
        }
        return migrator
    }

    /// `is_answer`: an equal request finds this generation by its key.
    ///
    /// Not those that failed, were cancelled, or whose video is gone.
    ///
    /// Times are milliseconds since 1970. `tasks` is clustered by tenant and id: reading a task always knows its
    /// tenant, and a page of a tenant's tasks is one range.
    private static let tasksAndGenerations = """
        CREATE TABLE generations (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            key TEXT NOT NULL,
            is_answer INTEGER NOT NULL DEFAULT 1,
            request BLOB NOT NULL,
            seed INTEGER NOT NULL,
            model TEXT NOT NULL,
            status TEXT NOT NULL,
            priority INTEGER NOT NULL,
            attempts INTEGER NOT NULL DEFAULT 0,
            failures INTEGER NOT NULL DEFAULT 0,
            not_before INTEGER NOT NULL DEFAULT 0,
            lease_owner TEXT,
            lease_deadline INTEGER,
            fence INTEGER NOT NULL DEFAULT 0,
            stage TEXT,
            step INTEGER,
            total_steps INTEGER,
            video TEXT,
            bytes INTEGER,
            width INTEGER,
            height INTEGER,
            rendered_width INTEGER,
            rendered_height INTEGER,
            num_frames INTEGER,
            fps INTEGER,
            failure_code TEXT,
            failure_message TEXT,
            created_at INTEGER NOT NULL,
            started_at INTEGER
        ) STRICT;
        CREATE UNIQUE INDEX generations_answer ON generations (key) WHERE is_answer = 1;
        CREATE INDEX generations_queue ON generations (priority DESC, id) WHERE status = 'queued';
        CREATE INDEX generations_delayed ON generations (not_before) WHERE status = 'queued' AND not_before > 0;
        CREATE INDEX generations_leases ON generations (lease_deadline) WHERE status = 'running';

        CREATE TABLE tasks (
            tenant TEXT NOT NULL,
            id BLOB NOT NULL,
            generation_id INTEGER NOT NULL REFERENCES generations (id),
            status TEXT NOT NULL,
            is_cached INTEGER NOT NULL,
            created_at INTEGER NOT NULL,
            finished_at INTEGER,
            PRIMARY KEY (tenant, id)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX tasks_generation ON tasks (generation_id);
        CREATE INDEX tasks_status ON tasks (tenant, status, id);

        CREATE TABLE idempotency_keys (
            tenant TEXT NOT NULL,
            key TEXT NOT NULL,
            fingerprint TEXT NOT NULL,
            task_id BLOB NOT NULL,
            created_at INTEGER NOT NULL,
            PRIMARY KEY (tenant, key)
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE events (
            sequence INTEGER PRIMARY KEY AUTOINCREMENT,
            tenant TEXT NOT NULL,
            task_id BLOB NOT NULL,
            kind TEXT NOT NULL,
            at INTEGER NOT NULL
        ) STRICT;
        """
}
