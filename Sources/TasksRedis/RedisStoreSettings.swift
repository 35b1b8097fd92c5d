/// What the processes that share a Redis must agree on, and the bounds of this one.
package struct RedisStoreSettings: Sendable, Equatable {
    /// Before every key, in braces, so that all of them are in one slot of a cluster.
    package var prefix: String
    /// A tenant that has waited so long in a priority has its first there raised by one; zero: never.
    package var aging: Duration

    package init(prefix: String = "animato", aging: Duration = .seconds(600)) {
        self.prefix = prefix
        self.aging = aging
    }
}
