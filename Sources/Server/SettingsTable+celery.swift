import Celery
import Redis

extension SettingsTable {
    /// Tasks of Celery applications.
    static let celery: [Setting] = [
        .values(
            "celery.broker",
            \.celery.brokers,
            accepts: "redis:// or rediss:// address, or nothing",
            isSecret: true,
            "The Redis that Celery applications leave their tasks in. Nothing: none are taken.",
            parse: { try? RedisURL($0) }
        ),
        .values(
            "celery.backend",
            \.celery.backends,
            accepts: "redis:// or rediss:// address, or nothing",
            isSecret: true,
            "The Redis that their results are kept in. Nothing: celery.broker.",
            parse: { try? RedisURL($0) }
        ),
        .optionalText(
            "celery.trustRoots",
            \.celery.trustRoots,
            "A PEM file of certificate authorities that both use, in place of those of the system."
        ),
        .text("celery.queue", \.celery.bridge.queue, "The Celery queue that tasks are taken from."),
        .optionalText(
            "celery.worker",
            \.celery.worker,
            "The name by which Celery's tools know this server, another one for each. Nothing: animato@ and the host."
        ),
        .secret(
            "celery.key",
            \.celery.key,
            minLength: 20,
            "The key that the tasks run with: its tenant, limits and priorities. Needed where the server asks for keys."
        ),
        .duration(
            "celery.resultExpires",
            \.celery.bridge.resultExpires,
            60...31_536_000,
            "How long a result is kept in the backend; Celery calls it result_expires."
        ),
        .integer(
            "celery.maxOpen",
            \.celery.bridge.maxOpenTasks,
            1...100_000,
            "Tasks of Celery that wait or run here at the same time; more wait in the broker."
        ),
    ]
}
