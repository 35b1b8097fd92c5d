package import Tasks

/// What somebody wants of a key, before it is judged; `nil` is left open.
package struct KeyDraft: Sendable, Equatable {
    package var name: String?
    /// `nil`: a new one, of the key alone.
    package var tenant: String?
    package var scopes: Set<Scope>?
    package var maxPriority: TaskPriority?
    package var weight: Double?
    package var limits: Limits?
    /// The inner `nil`: never.
    package var expiresAt: Timestamp??
    /// Whether callbacks are signed with a secret of the key's own.
    package var wantsCallbackSecret: Bool

    /// All limits of a key; `nil`: no limit.
    package struct Limits: Sendable, Equatable {
        package var requestsPerSecond: Double?
        package var burst: Int?
        package var waitingTasks: Int?
        package var runningTasks: Int?
        package var deviceSecondsPerDay: Double?
        package var storageBytes: Int?

        package init(
            requestsPerSecond: Double? = nil,
            burst: Int? = nil,
            waitingTasks: Int? = nil,
            runningTasks: Int? = nil,
            deviceSecondsPerDay: Double? = nil,
            storageBytes: Int? = nil
        ) {
            self.requestsPerSecond = requestsPerSecond
            self.burst = burst
            self.waitingTasks = waitingTasks
            self.runningTasks = runningTasks
            self.deviceSecondsPerDay = deviceSecondsPerDay
            self.storageBytes = storageBytes
        }
    }

    package init(
        name: String? = nil,
        tenant: String? = nil,
        scopes: Set<Scope>? = nil,
        maxPriority: TaskPriority? = nil,
        weight: Double? = nil,
        limits: Limits? = nil,
        expiresAt: Timestamp?? = nil,
        wantsCallbackSecret: Bool = false
    ) {
        self.name = name
        self.tenant = tenant
        self.scopes = scopes
        self.maxPriority = maxPriority
        self.weight = weight
        self.limits = limits
        self.expiresAt = expiresAt
        self.wantsCallbackSecret = wantsCallbackSecret
    }

    /// A spelling that equal drafts share.
    var canonical: String {
        let numbers: [String] = [
            weight.map { "\($0)" }, limits?.requestsPerSecond.map { "\($0)" }, limits?.burst.map { "\($0)" },
            limits?.waitingTasks.map { "\($0)" }, limits?.runningTasks.map { "\($0)" },
            limits?.deviceSecondsPerDay.map { "\($0)" }, limits?.storageBytes.map { "\($0)" },
            expiresAt?.map { "\($0.milliseconds)" },
        ].map { $0 ?? "" }
        let words = [
            tenant ?? "", (scopes ?? KeyCheck.standardScopes).map(\.rawValue).sorted().joined(separator: ","),
            maxPriority?.rawValue ?? "", "\(wantsCallbackSecret)",
        ]
        // The name last: it alone may hold anything.
        return (words + numbers + [name ?? ""]).joined(separator: "\n")
    }
}
