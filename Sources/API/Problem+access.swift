import Access
import HTTPTypes
import Scheduling
import Tasks

extension Problem {
    init(_ error: AccessError) {
        switch error {
        case .keyRequired:
            self.init(
                .unauthorized,
                "key_required",
                "This server asks for a key: send Authorization: Bearer and the key."
            )
            challenge = "Bearer"
        case .keyInvalid:
            self = .badKey("key_invalid", "There is no such key.")
        case .keyRevoked:
            self = .badKey("key_revoked", "This key was revoked.")
        case .keyExpired:
            self = .badKey("key_expired", "This key has expired, or was replaced by a newer one.")
        case .scopeMissing(let scope, _):
            self.init(
                .forbidden,
                "scope_missing",
                "This takes a key with the scope \(scope.rawValue), which this one does not have."
            )
            challenge = "Bearer error=\"insufficient_scope\", scope=\"\(scope.rawValue)\""
        case .rateLimited(let admission):
            self.init(.tooManyRequests, "rate_limited", "More requests than this key may send. Come again later.")
            isRetryable = true
            retryAfter = admission.rate?.decision.retryAfter
        }
    }

    private static func badKey(_ code: String, _ detail: String) -> Problem {
        var problem = Problem(.unauthorized, code, detail)
        problem.challenge = "Bearer error=\"invalid_token\""
        return problem
    }

    init(_ error: KeyError) {
        switch error {
        case .rejected(let rejection): self.init(rejection)
        case .notFound: self = .keyNotFound
        case .revoked: self.init(.conflict, "key_already_revoked", "This key was revoked, which is for good.")
        case .firstKeyMustBeAdmin:
            self.init(
                .conflict,
                "first_key_must_be_admin",
                "No key has the scope admin yet. Make one that has it first: from then on the server asks for keys."
            )
        case .lastAdminKey:
            self.init(
                .conflict,
                "last_admin_key",
                "This is the last key with the scope admin. Make another one first."
            )
        case .store(let error): self.init(error)
        }
    }

    static let keyNotFound = Problem(.notFound, "key_not_found", "There is no key of this id.")

    /// What those may see of it who do not run the server: nothing of its files, and nothing that they could not mend.
    var withoutInside: Problem {
        guard showsInside else { return self }
        var problem = self
        problem.detail = Obstacle.generalMessage
        problem.obstacles = obstacles.map(\.withoutInside)
        return problem
    }
}

extension Obstacle {
    fileprivate static let generalMessage = "Videos cannot be made at the moment."

    /// The code, and nothing of the server's inside.
    var withoutInside: Obstacle { Obstacle(code: code, message: Self.generalMessage) }
}

extension Caller {
    /// How urgent what this caller asks for is.
    ///
    /// - Parameter asked: `nil` if nothing was said: normal, or as urgent as it may be.
    /// - Returns: the priority, and what is wrong with it.
    func priority(_ asked: TaskPriority?) -> (value: TaskPriority, violation: Violation?) {
        guard let asked else { return (maxPriority.rank < TaskPriority.normal.rank ? maxPriority : .normal, nil) }
        guard asked.rank > maxPriority.rank else { return (asked, nil) }
        let message = "priority must be at most \(maxPriority.rawValue) with this key; it is \(asked.rawValue)."
        return (maxPriority, Violation(field: "priority", code: .notAllowed, message: message))
    }
}
