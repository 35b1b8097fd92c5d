/// What the processes that share a Redis must agree on, and the bounds of this one.
package struct RedisStoreSettings: Sendable, Equatable {
    /// Before every key, in braces, so that all of them are in one slot of a cluster.
    package var prefix: String
    /// A tenant that has waited so long in a priority has its first there raised by one; zero: never.
    package var aging: Duration
    /// How many entries the log keeps, about: who falls further behind reads everything that waits anew.
    package var logEntries: Int
    /// How long a question waits until this process knows of its own last change.
    package var patience: Duration

    package init(
        prefix: String = "animato",
        aging: Duration = .seconds(600),
        logEntries: Int = 20_000,
        patience: Duration = .seconds(5)
    ) {
        self.prefix = prefix
        self.aging = aging
        self.logEntries = logEntries
        self.patience = patience
    }
}
