import API
import Access
import Logging
import Results
import Tasks
import Webhooks

/// What a process that answers requests has for it: keys, secrets, certificates.
struct Doors: Sendable {
    let ring: KeyRing
    let access: AccessControl
    let settings: APISettings
    /// `nil` without TLS.
    let identity: TLSIdentity?
    /// What tells the task store from all others.
    let storeName: String
    private let secrets: [WebhookSecret]

    /// Reads the keys, and judges whether the server may listen where it is told to.
    ///
    /// - Throws: `ServerError`.
    static func open(
        _ configuration: ServerConfiguration,
        _ opened: OpenedStore,
        _ directory: String,
        logger: Logger
    ) async throws(ServerError) -> Doors {
        let (store, clock) = (opened.store, opened.clock)
        let ring = KeyRing(store: store, settings: configuration.access, clock: clock, logger: logger)
        do { try await ring.load() } catch { throw .dataDirectoryUnusable("\(directory): \(error.code)") }
        if ring.isEmpty, !configuration.isLoopback {
            guard configuration.isInsecure else { throw .openToAll(configuration.http.host) }
            logger.warning(
                "Nobody needs a key: whoever reaches this server may do everything",
                metadata: ["host": "\(configuration.http.host)"]
            )
        }
        let kept = KeptSecrets(directory: directory, coordination: opened.coordination)
        var settings = configuration.api
        settings.videoOrigin = configuration.s3.settings?.origin
        settings.keptLinkSecret = try await kept.videoLinkSecret()
        let gate = Gate(ring: ring, meter: opened.meter, clock: clock, logger: logger)
        return Doors(
            ring: ring,
            access: AccessControl(
                gate: gate,
                keys: KeyAdministration(store: store, ring: ring, settings: configuration.access, clock: clock),
                audit: FileAuditLog(directory: directory, logger: logger)
            ),
            settings: settings,
            identity: try Server.identity(configuration.http),
            storeName: try await kept.storeName(),
            secrets: configuration.callbackSecrets.isEmpty
                ? [try await kept.callbackSecret()] : configuration.callbackSecrets
        )
    }

    /// What callbacks of a key's tasks are signed with; `nil`: of tasks without one.
    func callbackSecrets(of key: KeyID?) -> [WebhookSecret] {
        key == nil ? secrets : ring.callbackSecrets(of: key).compactMap { WebhookSecret($0) }
    }
}
