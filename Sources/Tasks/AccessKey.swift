package import Foundation

/// The public name of a key: the part of it that may be shown, logged and named in addresses.
package struct KeyID: Hashable, Sendable, CustomStringConvertible {
    package let rawValue: String

    package init(rawValue: String) {
        self.rawValue = rawValue
    }

    package var description: String { rawValue }
}

/// What a key opens.
package enum Scope: String, Sendable, CaseIterable {
    /// To see one's own tasks, videos and uploads, the models, and how busy the server is.
    case read
    /// To have videos made, to bring files, and to cancel.
    case generate
    /// To see what is counted of the whole server, the names of all tenants included, and nothing else.
    case metrics
    /// Everything, for everybody: other tenants' tasks, devices, keys.
    case admin
}

/// A key, as it is stored: everything but the secret itself.
package struct AccessKey: Sendable, Equatable {
    /// One secret that opens the key.
    package struct Secret: Sendable, Equatable {
        /// SHA-256 of its text.
        ///
        /// It has enough randomness that guessing is no faster than for a slow hash.
        package var hash: Data
        /// Opens nothing from then on; `nil`: as long as the key lives.
        package var validUntil: Timestamp?

        package init(hash: Data, validUntil: Timestamp? = nil) {
            self.hash = hash
            self.validUntil = validUntil
        }
    }

    package var id: KeyID
    /// For people.
    package var name: String
    /// Whose tasks it sees and makes.
    ///
    /// Several keys may share one.
    package var tenant: TenantID
    package var scopes: Set<Scope>
    /// The most urgent priority that it may ask for.
    package var maxPriority: TaskPriority
    /// The tenant's share of device time in relation to those of others.
    package var weight: Double
    package var limits: KeyLimits
    package var createdAt: Timestamp
    /// `nil`: never.
    package var expiresAt: Timestamp?
    /// `nil`: it has not been revoked.
    package var revokedAt: Timestamp?
    /// The newest first; two at most, the second while a rotation goes on.
    package var secrets: [Secret]
    /// What callbacks of tasks made with this key are signed with, the newest first; empty: the server's secrets.
    package var callbackSecrets: [String]

    package init(
        id: KeyID,
        name: String,
        tenant: TenantID,
        scopes: Set<Scope>,
        maxPriority: TaskPriority = .interactive,
        weight: Double = 1,
        limits: KeyLimits = KeyLimits(),
        createdAt: Timestamp,
        expiresAt: Timestamp? = nil,
        revokedAt: Timestamp? = nil,
        secrets: [Secret],
        callbackSecrets: [String] = []
    ) {
        self.id = id
        self.name = name
        self.tenant = tenant
        self.scopes = scopes
        self.maxPriority = maxPriority
        self.weight = weight
        self.limits = limits
        self.createdAt = createdAt
        self.expiresAt = expiresAt
        self.revokedAt = revokedAt
        self.secrets = secrets
        self.callbackSecrets = callbackSecrets
    }
}

/// How much may be asked with a key.
///
/// Counted over its tenant, whichever of the tenant's keys was used, and judged by the limits of the key that asks. `nil`: no limit.
package struct KeyLimits: Sendable, Equatable {
    package var requests: RateLimit?
    /// Tasks that wait.
    package var waitingTasks: Int?
    /// Generations that run at the same time; more wait.
    package var runningTasks: Int?
    /// Seconds of device time in a day of UTC.
    package var deviceSecondsPerDay: Double?
    /// Bytes of uploads.
    package var storageBytes: Int64?

    package init(
        requests: RateLimit? = nil,
        waitingTasks: Int? = nil,
        runningTasks: Int? = nil,
        deviceSecondsPerDay: Double? = nil,
        storageBytes: Int64? = nil
    ) {
        self.requests = requests
        self.waitingTasks = waitingTasks
        self.runningTasks = runningTasks
        self.deviceSecondsPerDay = deviceSecondsPerDay
        self.storageBytes = storageBytes
    }
}

/// Who asks: what the rooms behind the doors need to know of a key.
package struct Caller: Sendable, Equatable {
    package var tenant: TenantID
    /// `nil`: the server asks for no keys, or it was the key of the settings.
    package var key: KeyID?
    package var scopes: Set<Scope>
    package var maxPriority: TaskPriority
    package var weight: Double
    package var limits: KeyLimits

    package init(
        tenant: TenantID,
        key: KeyID? = nil,
        scopes: Set<Scope> = Set(Scope.allCases),
        maxPriority: TaskPriority = .interactive,
        weight: Double = 1,
        limits: KeyLimits = KeyLimits()
    ) {
        self.tenant = tenant
        self.key = key
        self.scopes = scopes
        self.maxPriority = maxPriority
        self.weight = weight
        self.limits = limits
    }

    package init(_ key: AccessKey) {
        self.init(
            tenant: key.tenant,
            key: key.id,
            scopes: key.scopes,
            maxPriority: key.maxPriority,
            weight: key.weight,
            limits: key.limits
        )
    }

    /// Who asks a server that asks for no keys, and who holds the key of its settings.
    package static let anybody = Caller(tenant: .standard)

    /// Whether this caller may do what takes a scope; `admin` may everything.
    package func may(_ scope: Scope) -> Bool {
        scopes.contains(scope) || scopes.contains(.admin)
    }
}
