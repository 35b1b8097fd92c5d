import GRDB

/// The tables, one migration for each version that was ever released.
enum Schema {
    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1 tasks and generations") { db in
            try db.execute(sql: tasksAndGenerations)
        }
        migrator.registerMigration("2 deliveries, expiry and retention") { db in
            try db.execute(sql: deliveriesExpiryAndRetention)
        }
        migrator.registerMigration("3 uploads, inputs and memory modes") { db in
            try db.execute(sql: uploadsInputsAndMemoryModes)
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

    /// `was_answer`: it answered its key when its video was let go.
    ///
    /// `is_unused`: no task has it and it answers nothing.
    ///
    /// The deliveries of a task stand in a line. `is_behind`: an earlier one is pending, so that this one is not to be
    /// sent yet. `is_under_way`: taken by a sender, until `next_attempt_at`. `is_outdated`: a later event took its place
    /// while it was under way. `delivery_receivers` has a row for each receiver that something is pending for, so that
    /// a claim looks at receivers in turn, not at all that waits for the first of them.
    private static let deliveriesExpiryAndRetention = """
        ALTER TABLE generations ADD COLUMN expired_at INTEGER;
        ALTER TABLE generations ADD COLUMN was_answer INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE generations ADD COLUMN is_unused INTEGER NOT NULL DEFAULT 0;
        CREATE INDEX generations_video ON generations (video, expired_at) WHERE video IS NOT NULL;
        CREATE INDEX generations_unused ON generations (id) WHERE is_unused = 1;

        ALTER TABLE tasks ADD COLUMN callback_url TEXT;
        ALTER TABLE tasks ADD COLUMN callback_receiver TEXT;
        ALTER TABLE tasks ADD COLUMN callback_events TEXT;
        ALTER TABLE tasks ADD COLUMN callback_origin TEXT;
        CREATE INDEX tasks_finished ON tasks (finished_at) WHERE finished_at IS NOT NULL;

        CREATE INDEX idempotency_keys_age ON idempotency_keys (created_at);

        CREATE TABLE deliveries (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            tenant TEXT NOT NULL,
            task_id BLOB NOT NULL,
            event TEXT NOT NULL,
            url TEXT NOT NULL,
            receiver TEXT NOT NULL,
            origin TEXT NOT NULL,
            status TEXT NOT NULL,
            is_behind INTEGER NOT NULL,
            is_under_way INTEGER NOT NULL DEFAULT 0,
            is_outdated INTEGER NOT NULL DEFAULT 0,
            attempts INTEGER NOT NULL DEFAULT 0,
            fence INTEGER NOT NULL DEFAULT 0,
            last_response INTEGER,
            failure_code TEXT,
            failure_message TEXT,
            created_at INTEGER NOT NULL,
            next_attempt_at INTEGER,
            ended_at INTEGER
        ) STRICT;
        CREATE INDEX deliveries_due ON deliveries (receiver, next_attempt_at, number)
            WHERE status = 'pending' AND is_behind = 0;
        CREATE INDEX deliveries_pending ON deliveries (tenant, task_id, number) WHERE status = 'pending';
        CREATE INDEX deliveries_under_way ON deliveries (receiver) WHERE is_under_way = 1;
        CREATE INDEX deliveries_ended ON deliveries (ended_at) WHERE ended_at IS NOT NULL;
        CREATE INDEX deliveries_task ON deliveries (tenant, task_id, number);
        CREATE INDEX deliveries_tenant ON deliveries (tenant, number);
        CREATE INDEX deliveries_status ON deliveries (tenant, status, number);

        CREATE TABLE delivery_receivers (
            receiver TEXT PRIMARY KEY,
            served_at INTEGER NOT NULL DEFAULT 0,
            waits_since INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX delivery_receivers_turn ON delivery_receivers (waits_since);
        """

    /// `plan_…`: what the next attempt does otherwise.
    ///
    /// `generation_media` has what generations that have not ended still need.
    private static let uploadsInputsAndMemoryModes = """
        ALTER TABLE generations ADD COLUMN memory_mode TEXT;
        ALTER TABLE generations ADD COLUMN plan_memory_mode TEXT;
        ALTER TABLE generations ADD COLUMN plan_width INTEGER;
        ALTER TABLE generations ADD COLUMN plan_height INTEGER;
        ALTER TABLE generations ADD COLUMN plan_num_frames INTEGER;

        CREATE TABLE generation_media (
            media TEXT NOT NULL,
            generation_id INTEGER NOT NULL REFERENCES generations (id) ON DELETE CASCADE,
            PRIMARY KEY (media, generation_id)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX generation_media_generation ON generation_media (generation_id);

        CREATE TABLE uploads (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            tenant TEXT NOT NULL,
            media TEXT NOT NULL,
            bytes INTEGER NOT NULL,
            kind TEXT NOT NULL,
            format TEXT NOT NULL,
            width INTEGER NOT NULL,
            height INTEGER NOT NULL,
            num_frames INTEGER NOT NULL,
            fps REAL NOT NULL,
            seconds REAL NOT NULL,
            created_at INTEGER NOT NULL,
            expires_at INTEGER NOT NULL,
            UNIQUE (tenant, media)
        ) STRICT;
        CREATE INDEX uploads_tenant ON uploads (tenant, number);
        CREATE INDEX uploads_media ON uploads (media);
        CREATE INDEX uploads_expiry ON uploads (expires_at);
        """
}
