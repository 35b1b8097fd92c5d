extension MetricCatalog {
    /// Of the tasks of Celery applications.
    static let celery: [MetricDescription] = [
        MetricDescription(
            "animato_celery_messages_total",
            .counter,
            "Messages of Celery's broker that were decided upon: accepted, delayed, duplicate, expired, refused, revoked or unreadable.",
            labels: ["outcome"]
        ),
        MetricDescription(
            "animato_celery_open_tasks",
            .gauge,
            "Tasks of Celery applications that this server follows."
        ),
        MetricDescription(
            "animato_celery_records_total",
            .counter,
            "Records that Celery's backend was given, by Celery's name of the state.",
            labels: ["state"]
        ),
    ]
}
