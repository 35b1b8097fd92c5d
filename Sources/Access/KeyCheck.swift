import Foundation
import Tasks

/// Judges drafts of keys, and collects everything that is wrong.
///
/// Fields are named as clients spell them.
struct KeyCheck {
    static let standardScopes: Set<Scope> = [.read, .generate]
    /// How long a secret that was replaced may go on, in seconds.
    static let grace = 0...7 * 86_400

    /// The end of the year 9999, which is as far as times can be written.
    private static let lastMoment = Timestamp(milliseconds: 253_402_300_799_999)

    private(set) var violations: [Violation]
    private let judged: Set<String>
    private let now: Timestamp

    /// - Parameters:
    ///   - violations: what is wrong already; of these fields nothing more is said.
    ///   - now: what must be in the future is after this.
    init(after violations: [Violation], at now: Timestamp) {
        self.violations = violations
        judged = Set(violations.map(\.field))
        self.now = now
    }

    /// A key without secrets, for a new id.
    mutating func key(_ draft: KeyDraft, id: KeyID) throws(RequestRejection) -> AccessKey {
        if draft.name == nil { reject("name", .required, "name is required.") }
        let edit = check(draft)
        if let tenant = draft.tenant { check(tenant: tenant) }
        try finish()
        return AccessKey(
            id: id,
            name: edit.name ?? "",
            tenant: TenantID(rawValue: draft.tenant ?? id.rawValue),
            scopes: edit.scopes ?? Self.standardScopes,
            maxPriority: edit.maxPriority ?? .interactive,
            weight: edit.weight ?? 1,
            limits: edit.limits ?? KeyLimits(),
            createdAt: now,
            expiresAt: edit.expiresAt ?? nil,
            secrets: []
        )
    }

    /// What is to be changed of a key.
    mutating func edit(_ draft: KeyDraft) throws(RequestRejection) -> KeyEdit {
        let edit = check(draft)
        try finish()
        return edit
    }

    /// How long a secret that is replaced goes on.
    mutating func grace(_ seconds: Int) throws(RequestRejection) -> Duration {
        range(seconds, "grace_seconds", Self.grace)
        try finish()
        return .seconds(seconds)
    }

    private func finish() throws(RequestRejection) {
        if !violations.isEmpty { throw RequestRejection(violations: violations) }
    }

    private mutating func check(_ draft: KeyDraft) -> KeyEdit {
        let name = draft.name.map { $0.trimmingCharacters(in: .whitespacesAndNewlines) }
        if let name { check(name: name) }
        if draft.scopes?.isEmpty == true { reject("scopes", .empty, "scopes must not be empty.") }
        range(draft.weight, "weight", 0.01...100)
        if let moment = draft.expiresAt ?? nil, moment <= now || moment > Self.lastMoment {
            reject("expires_at", .outOfRange, "expires_at must be in the future, and before the year 10000.")
        }
        return KeyEdit(
            name: name,
            scopes: draft.scopes,
            maxPriority: draft.maxPriority,
            weight: draft.weight,
            limits: draft.limits.map { limits($0) },
            expiresAt: draft.expiresAt
        )
    }

    private mutating func check(name: String) {
        if name.isEmpty { reject("name", .empty, "name must not be empty.") }
        if name.count > 100 { reject("name", .tooLong, "name must have at most 100 characters; it has \(name.count).") }
        if name.unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) {
            reject("name", .notText, "name must not contain control characters.")
        }
    }

    private mutating func check(tenant: String) {
        let isPlain = tenant.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
                true
            default:
                false
            }
        }
        if tenant.isEmpty {
            reject("tenant", .empty, "tenant must not be empty.")
        } else if tenant.utf8.count > 64 {
            reject("tenant", .tooLong, "tenant must have at most 64 characters; it has \(tenant.utf8.count).")
        } else if !isPlain {
            reject("tenant", .notAllowed, "tenant must consist of A-Z a-z 0-9 . _ and -.")
        }
    }

    private mutating func limits(_ draft: KeyDraft.Limits) -> KeyLimits {
        range(draft.requestsPerSecond, "limits.requests_per_second", 0.001...1_000_000)
        range(draft.burst, "limits.burst", 1...1_000_000)
        range(draft.waitingTasks, "limits.waiting_tasks", 1...1_000_000)
        range(draft.runningTasks, "limits.running_tasks", 1...100_000)
        range(draft.deviceSecondsPerDay, "limits.device_seconds_per_day", 1...1_000_000_000)
        range(draft.storageBytes, "limits.storage_bytes", 0...1 << 50)
        if draft.burst != nil, draft.requestsPerSecond == nil {
            reject("limits.burst", .notAllowed, "limits.burst means nothing without limits.requests_per_second.")
        }
        return KeyLimits(
            requests: draft.requestsPerSecond.map { perSecond in
                RateLimit(perSecond: perSecond, burst: draft.burst ?? Self.standardBurst(perSecond))
            },
            waitingTasks: draft.waitingTasks,
            runningTasks: draft.runningTasks,
            deviceSecondsPerDay: draft.deviceSecondsPerDay,
            storageBytes: draft.storageBytes.map { Int64($0) }
        )
    }

    /// As many at once as come in a second.
    private static func standardBurst(_ perSecond: Double) -> Int {
        // Bounded for a rate that is found wrong.
        Int(min(max(1, perSecond.rounded(.up)), 1_000_000))
    }

    private mutating func range<Value: Comparable>(_ value: Value?, _ field: String, _ range: ClosedRange<Value>) {
        guard let value, !range.contains(value) else { return }
        reject(
            field, .outOfRange, "\(field) must be from \(range.lowerBound) to \(range.upperBound); it is \(value).")
    }

    private mutating func reject(_ field: String, _ code: Violation.Code, _ message: String) {
        guard !judged.contains(field), !judged.contains(String(field.prefix { $0 != "." })) else { return }
        violations.append(Violation(field: field, code: code, message: message))
    }
}
