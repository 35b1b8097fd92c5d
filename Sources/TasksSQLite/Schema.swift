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
        migrator.registerMigration("4 fair order and degradation") { db in
            try db.execute(sql: fairOrderAndDegradation)
        }
        migrator.registerMigration("5 keys, removed tasks and usage") { db in
            try db.execute(sql: keysRemovedTasksAndUsage)
        }
        migrator.registerMigration("6 traces and everybody's deliveries") { db in
            try db.execute(sql: tracesAndDeliveries)
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

    /// Generations have what their order depends on, and how their video was made.
    ///
    /// `tenant`: who is charged; `weight` and `cost`: how much. `memory_bytes`: the least memory of a device that it needs.
    /// `full_key`: the key of the same request made in full, of one that may be made with less. `made_…`: how the video
    /// was made, where that is not as asked for.
    ///
    /// The order of what waits is kept in memory; the database only finds it again.
    private static let fairOrderAndDegradation = """
        ALTER TABLE generations ADD COLUMN tenant TEXT NOT NULL DEFAULT 'default';
        ALTER TABLE generations ADD COLUMN weight REAL NOT NULL DEFAULT 1;
        ALTER TABLE generations ADD COLUMN cost REAL NOT NULL DEFAULT 1;
        ALTER TABLE generations ADD COLUMN memory_bytes INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE generations ADD COLUMN is_deterministic INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE generations ADD COLUMN full_key TEXT;
        ALTER TABLE generations ADD COLUMN plan_steps INTEGER;
        ALTER TABLE generations ADD COLUMN plan_step_cache TEXT;
        ALTER TABLE generations ADD COLUMN made_steps INTEGER;
        ALTER TABLE generations ADD COLUMN made_step_cache TEXT;
        UPDATE generations SET tenant = first.tenant FROM (
            SELECT generation_id, tenant, MIN(id) FROM tasks GROUP BY generation_id
        ) AS first WHERE generations.id = first.generation_id;

        DROP INDEX generations_queue;
        DROP INDEX generations_delayed;
        CREATE INDEX generations_queued ON generations (id) WHERE status = 'queued';
        """

    /// `removed_at`: its tenant does not see the task any more; `purge` takes it.
    ///
    /// `tasks_not_succeeded`: of all tenants' tasks those of one status; most have succeeded, and need no index for that.
    ///
    /// `usage`: seconds of device time of a tenant in a day of UTC, counted in days since 1970. `running_limit`: how many
    /// generations of its tenant may run at the same time.
    ///
    /// `access_keys`: `secrets` and `limits` are JSON; a secret is there as its hash alone. `number` is the order of
    /// creation.
    private static let keysRemovedTasksAndUsage = """
        ALTER TABLE tasks ADD COLUMN access_key TEXT;
        ALTER TABLE tasks ADD COLUMN remixed_from BLOB;
        ALTER TABLE tasks ADD COLUMN removed_at INTEGER;
        CREATE INDEX tasks_id ON tasks (id);
        CREATE INDEX tasks_not_succeeded ON tasks (status, id)
            WHERE status = 'queued' OR status = 'running' OR status = 'failed' OR status = 'cancelled';
        CREATE INDEX tasks_removed ON tasks (removed_at) WHERE removed_at IS NOT NULL;
        CREATE INDEX uploads_usage ON uploads (tenant, expires_at, bytes);
        CREATE INDEX events_task ON events (task_id, sequence);
        ALTER TABLE generations ADD COLUMN running_limit INTEGER;

        CREATE TABLE usage (
            tenant TEXT NOT NULL,
            day INTEGER NOT NULL,
            device_seconds REAL NOT NULL,
            PRIMARY KEY (day, tenant)
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE access_keys (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            id TEXT NOT NULL UNIQUE,
            name TEXT NOT NULL,
            tenant TEXT NOT NULL,
            scopes TEXT NOT NULL,
            max_priority TEXT NOT NULL,
            weight REAL NOT NULL,
            limits TEXT NOT NULL,
            created_at INTEGER NOT NULL,
            expires_at INTEGER,
            revoked_at INTEGER,
            secrets TEXT NOT NULL,
            callback_secrets TEXT NOT NULL
        ) STRICT;
        """

    /// The trace of the request that made a task, and that of the task that a generation was made for; what an
    /// administrator looks for among the deliveries of all tenants.
    private static let tracesAndDeliveries = """
        ALTER TABLE tasks ADD COLUMN trace TEXT;
        ALTER TABLE generations ADD COLUMN trace TEXT;
        DROP INDEX deliveries_task;
        CREATE INDEX deliveries_task ON deliveries (task_id, number);
        CREATE INDEX deliveries_any_status ON deliveries (status, number);
        """
}
