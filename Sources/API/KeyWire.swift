import Access
import Foundation
import Tasks

/// The body of a request to make or to change a key: bytes become a draft and what is wrong with it.
struct KeyWire {
    /// Fields as the client spells them.
    enum Field: String, CaseIterable {
        case name
        case tenant
        case scopes
        case maxPriority = "max_priority"
        case weight
        case limits
        case expiresAt = "expires_at"
        case callbackSecret = "callback_secret"
    }

    /// What may be changed of a key.
    enum EditField: String, CaseIterable {
        case name
        case scopes
        case maxPriority = "max_priority"
        case weight
        case limits
        case expiresAt = "expires_at"
    }

    /// Those of `limits`.
    enum LimitField: String, CaseIterable {
        case requestsPerSecond = "requests_per_second"
        case burst
        case waitingTasks = "waiting_tasks"
        case runningTasks = "running_tasks"
        case deviceSecondsPerDay = "device_seconds_per_day"
        case storageBytes = "storage_bytes"
    }

    private(set) var draft = KeyDraft()
    private(set) var violations: [Violation] = []

    /// Reads what a new key is to be.
    ///
    /// A field that is `null` counts as left out.
    init(new body: [UInt8]) throws(MalformedJSON) {
        var reader = FieldReader<Field>()
        try reader.read(body) { field, value, name throws(FieldFault) in
            if value != .null { try take(field, value, name) }
        }
        violations += reader.violations
    }

    /// Reads what is to be changed; `null` takes a limit, or an end, away.
    init(edit body: [UInt8]) throws(MalformedJSON) {
        var reader = FieldReader<EditField>()
        try reader.read(body) { field, value, name throws(FieldFault) in
            switch (field, value) {
            case (.expiresAt, .null): draft.expiresAt = .some(nil)
            case (.limits, .null): draft.limits = KeyDraft.Limits()
            case (_, .null): break
            default:
                if let field = Field(rawValue: field.rawValue) { try take(field, value, name) }
            }
        }
        violations += reader.violations
    }

    private mutating func take(_ field: Field, _ value: JSONValue, _ name: String) throws(FieldFault) {
        switch field {
        case .name: draft.name = try value.text(name)
        case .tenant: draft.tenant = try value.text(name)
        case .scopes: draft.scopes = try Self.scopes(value, name)
        case .maxPriority: draft.maxPriority = try value.word(name)
        case .weight: draft.weight = try value.number(name)
        case .limits: draft.limits = try limits(value, name)
        case .expiresAt: draft.expiresAt = try Self.moment(value, name)
        case .callbackSecret: draft.wantsCallbackSecret = try value.truth(name)
        }
    }

    private static func scopes(_ value: JSONValue, _ field: String) throws(FieldFault) -> Set<Scope> {
        var scopes: Set<Scope> = []
        for element in try value.elements(field) {
            guard case .string(let text) = element else {
                throw FieldFault(.wrongType, "\(field) must hold strings; one is \(element.kind).")
            }
            guard let scope = Scope(rawValue: text) else {
                let known = Scope.allCases.map(\.rawValue).joined(separator: ", ")
                throw FieldFault(.notAllowed, "\(field) must hold some of \(known).")
            }
            guard scopes.insert(scope).inserted else {
                throw FieldFault(.notAllowed, "\(field) names \(text) twice.")
            }
        }
        return scopes
    }

    private mutating func limits(_ value: JSONValue, _ field: String) throws(FieldFault) -> KeyDraft.Limits {
        guard case .object(let members) = value else {
            throw FieldFault(.wrongType, "\(field) must be an object; it is \(value.kind).")
        }
        var limits = KeyDraft.Limits()
        var reader = FieldReader<LimitField>(prefix: "\(field).")
        reader.read(members) { field, value, name throws(FieldFault) in
            if value == .null { return }
            switch field {
            case .requestsPerSecond: limits.requestsPerSecond = try value.number(name)
            case .burst: limits.burst = try value.whole(name)
            case .waitingTasks: limits.waitingTasks = try value.whole(name)
            case .runningTasks: limits.runningTasks = try value.whole(name)
            case .deviceSecondsPerDay: limits.deviceSecondsPerDay = try value.number(name)
            case .storageBytes: limits.storageBytes = try value.whole(name)
            }
        }
        violations += reader.violations
        return limits
    }

    private static func moment(_ value: JSONValue, _ field: String) throws(FieldFault) -> Timestamp {
        let text = try value.text(field)
        for hasFraction in [false, true] {
            let style = Date.ISO8601FormatStyle(includingFractionalSeconds: hasFraction)
            // Bounded, because what stands after the moment would be let through.
            if text.utf8.count <= 32, text.last == "Z", let date = try? style.parse(text) {
                return Timestamp(milliseconds: Int64((date.timeIntervalSince1970 * 1000).rounded()))
            }
        }
        throw FieldFault(.notAllowed, "\(field) must be a time in UTC like 2027-01-31T12:00:00Z.")
    }
}

/// The body of a request for a new secret of a key.
struct RotationWire {
    enum Field: String, CaseIterable {
        case graceSeconds = "grace_seconds"
        case callbackSecret = "callback_secret"
    }

    private(set) var graceSeconds = 86_400
    private(set) var wantsCallbackSecret = false
    private(set) var violations: [Violation] = []

    /// A body without bytes asks for what is usual.
    init(_ body: [UInt8]) throws(MalformedJSON) {
        guard !body.isEmpty else { return }
        var reader = FieldReader<Field>()
        try reader.read(body) { field, value, name throws(FieldFault) in
            if value == .null { return }
            switch field {
            case .graceSeconds: graceSeconds = try value.whole(name)
            case .callbackSecret: wantsCallbackSecret = try value.truth(name)
            }
        }
        violations = reader.violations
    }
}
