/// What the operator says about keys.
///
/// Only the composition root fills it from configuration.
package struct AccessSettings: Sendable, Equatable {
    /// A key that is not stored and may do everything; `nil`: there is none.
    package var adminKey: String?
    /// Keys there may be, revoked ones included.
    package var maxKeys: Int
    /// How often the keys are read again, for what other processes have changed.
    package var refreshInterval: Duration

    package init(adminKey: String? = nil, maxKeys: Int = 10_000, refreshInterval: Duration = .seconds(3)) {
        self.adminKey = adminKey
        self.maxKeys = maxKeys
        self.refreshInterval = refreshInterval
    }
}
