package import Tasks

/// Why somebody does not come in.
package enum AccessError: Error, Sendable, Equatable {
    /// None was presented.
    case keyRequired
    /// There is no such key. Of one that there is nothing more is said to who does not have it.
    case keyInvalid
    case keyRevoked
    /// The key has expired, or this secret of it.
    case keyExpired
    /// The key does not open this.
    case scopeMissing(Scope, Admission)
    /// Too many requests.
    case rateLimited(Admission)

    /// Whose genuine key it was, where it was one.
    package var admission: Admission? {
        switch self {
        case .scopeMissing(_, let admission), .rateLimited(let admission): admission
        case .keyRequired, .keyInvalid, .keyRevoked, .keyExpired: nil
        }
    }
}

/// What a limit of requests has said to one of them.
package struct RateStatus: Sendable, Equatable {
    package var limit: RateLimit
    package var decision: RateDecision

    package init(limit: RateLimit, decision: RateDecision) {
        self.limit = limit
        self.decision = decision
    }
}

/// Who has come in.
package struct Admission: Sendable, Equatable {
    /// By what somebody came in.
    package enum Holder: Sendable, Equatable {
        /// By nothing.
        case nobody
        /// By the key of the settings.
        case settings
        case key(KeyID, name: String)
    }

    package var holder: Holder
    package var caller: Caller
    /// `nil`: the key has no limit of requests.
    package var rate: RateStatus?

    package init(holder: Holder, caller: Caller, rate: RateStatus? = nil) {
        self.holder = holder
        self.caller = caller
        self.rate = rate
    }

    /// Where nobody needs a key.
    package static let anybody = Admission(holder: .nobody, caller: .anybody)
    /// Who may see what everybody may, where others need a key.
    package static let stranger = Admission(holder: .nobody, caller: Caller(tenant: .standard, scopes: []))
}
