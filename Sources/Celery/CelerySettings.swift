/// How the bridge reads what Celery applications send.
package struct CelerySettings: Sendable, Equatable {
    /// The list that tasks come in on: the name of a Celery queue.
    package var queue: String

    package init(queue: String = "animato") {
        self.queue = queue
    }
}
