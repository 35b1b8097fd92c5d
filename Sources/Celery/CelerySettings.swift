/// How the bridge meets Celery applications.
package struct CelerySettings: Sendable, Equatable {
    /// The list that tasks come in on: the name of a Celery queue.
    package var queue: String
    /// The name of the tasks that are taken.
    package var taskName: String
    /// The name by which Celery's tools know this bridge; two bridges that run have two names.
    package var worker: String
    /// The name of the task store; only bridges with the same one can follow each other's tasks.
    package var store: String
    /// The number of the broker's database, which is part of the names of its channels.
    package var database: Int
    /// How long a result is kept in the backend.
    package var resultExpires: Duration
    /// Tasks that are followed at the same time; more wait in the broker.
    package var maxOpenTasks: Int
    /// The longest message that is read; a longer one fails.
    package var maxMessageBytes: Int
    /// How often the broker is asked for messages while there are none.
    package var pollInterval: Duration
    /// The shortest time between two reports of a task's progress.
    package var progressInterval: Duration
    /// How often every open task is looked at, whether or not there was a sign of it.
    package var sweepInterval: Duration
    /// How often monitors get a sign of life.
    package var heartbeat: Duration
    /// A bridge without a sign of life for this long is dead, and another takes over what it had.
    package var takeoverAfter: Duration

    package init(
        queue: String = "animato",
        taskName: String = "animato.generate",
        worker: String = "animato@localhost",
        store: String = "",
        database: Int = 0,
        resultExpires: Duration = .seconds(86_400),
        maxOpenTasks: Int = 10_000,
        maxMessageBytes: Int = 33_554_432,
        pollInterval: Duration = .milliseconds(200),
        progressInterval: Duration = .milliseconds(500),
        sweepInterval: Duration = .seconds(10),
        heartbeat: Duration = .seconds(2),
        takeoverAfter: Duration = .seconds(15)
    ) {
        self.queue = queue
        self.taskName = taskName
        self.worker = worker
        self.store = store
        self.database = database
        self.resultExpires = resultExpires
        self.maxOpenTasks = maxOpenTasks
        self.maxMessageBytes = maxMessageBytes
        self.pollInterval = pollInterval
        self.progressInterval = progressInterval
        self.sweepInterval = sweepInterval
        self.heartbeat = heartbeat
        self.takeoverAfter = takeoverAfter
    }
}
