import ArgumentParser
import TasksSQLite

/// Why a server could not be put together.
enum ServerError: Error, Equatable {
    case dataDirectoryInUse(String)
    case dataDirectoryUnusable(String)
    case bucketUnusable(String)
    case certificatesUnusable(String)
    case celeryUnusable(String)
    /// Anybody could come in at this host.
    case openToAll(String)
    case identityUnusable(String)
    /// The store of `store.url` cannot be reached or used.
    case storeUnusable(String)
    /// The role has no sense with a store that one process has alone.
    case needsSharedStore(ServerRole)

    init(_ error: SQLiteTaskStoreOpenError, directory: String) {
        self =
            switch error {
            case .inUse: .dataDirectoryInUse(directory)
            case .unusable(let reason): .dataDirectoryUnusable("\(directory): \(reason)")
            }
    }

    /// For people; says what to do.
    var message: String {
        switch self {
        case .dataDirectoryInUse(let path):
            "Another server is running on \(path). Stop it, or give this one its own directory with --data."
        case .dataDirectoryUnusable(let reason):
            "The data directory cannot be used: \(reason)"
        case .bucketUnusable(let reason):
            "The bucket of s3.bucket cannot be used: \(reason)"
        case .certificatesUnusable(let reason):
            "The certificates of callbacks.trustRoots cannot be used: \(reason)"
        case .celeryUnusable(let reason):
            "Celery's broker or backend cannot be used: \(reason)"
        case .openToAll(let host):
            """
            There is no key yet, so whoever reaches \(host) could do everything. Make one with
              animato keys create NAME --scope admin --data DIRECTORY
            or set access.adminKey, or listen on 127.0.0.1, or take the risk with --insecure.
            """
        case .storeUnusable(let reason):
            "The store of store.url cannot be used: \(reason)"
        case .needsSharedStore(let role):
            """
            A process with the role \(role.rawValue) needs others, and a store that all of them reach: set store.url to a
            Redis, as in redis://127.0.0.1:6379.
            """
        case .identityUnusable(let reason):
            "http.tlsCertificate and http.tlsKey cannot be used: \(reason)"
        }
    }

    /// What to leave with.
    var exitCode: ExitCode {
        switch self {
        case .identityUnusable, .openToAll, .needsSharedStore: Exit.configuration
        case .dataDirectoryInUse, .dataDirectoryUnusable, .bucketUnusable, .certificatesUnusable, .celeryUnusable,
            .storeUnusable:
            Exit.unavailable
        }
    }
}
