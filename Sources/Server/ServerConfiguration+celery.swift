import API
import Celery
import Foundation
import Redis

extension ServerConfiguration {
    /// Where Celery applications leave their tasks.
    struct CeleryConfiguration: Sendable, Equatable {
        /// One at most; none: no tasks of Celery are taken.
        var brokers: [RedisURL] = []
        /// One at most; none: the broker.
        var backends: [RedisURL] = []
        /// A PEM file of authorities that their certificates are of, instead of the system's.
        var trustRoots: String?
        /// The key that requests come with.
        var key: String?
        /// `nil`: animato@ and the name of the host.
        var worker: String?
        var bridge = CelerySettings()

        /// What does not fit together.
        var fault: String? {
            if brokers.count > 1 { return "takes one address" }
            if backends.count > 1 { return "takes one celery.backend" }
            return nil
        }
    }

    /// The settings of the bridge; `nil` without a broker.
    ///
    /// - Parameter store: the name of the task store.
    /// - Returns: names and limits that fit the rest.
    func celerySettings(store: String) -> CelerySettings? {
        guard let broker = celery.brokers.first else { return nil }
        var settings = celery.bridge
        settings.worker = celery.worker ?? "animato@\(ProcessInfo.processInfo.hostName)"
        settings.store = store
        settings.database = broker.database
        // Base64, and escapes that are longer than what they stand for.
        settings.maxMessageBytes = max(1 << 20, http.maxBodyBytes * 2)
        return settings
    }
}
