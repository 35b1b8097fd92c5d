import Access
import Scheduling
import Tasks

extension JSONWriter {
    /// A key as administrators see it, keys sorted.
    ///
    /// - Parameters:
    ///   - key: what to show.
    ///   - issued: what is shown once; `nil`: the members for it are left out.
    ///   - now: what has expired is before this.
    mutating func key(_ key: AccessKey, issued: KeyAdministration.Issued? = nil, at now: Timestamp) {
        object { json in
            if let issued {
                json.key("callback_secret")
                json.optional(issued.callbackSecret) { json, secret in json.string(secret) }
            }
            json.key("created_at")
            json.moment(key.createdAt)
            json.key("expires_at")
            json.moment(key.expiresAt)
            json.key("has_callback_secret")
            json.bool(!key.callbackSecrets.isEmpty)
            if let issued {
                json.key("key")
                json.optional(issued.text) { json, text in json.string(text.text) }
            }
            json.key("key_id")
            json.string(key.id.rawValue)
            json.key("limits")
            json.limits(key.limits)
            json.key("max_priority")
            json.string(key.maxPriority.rawValue)
            json.key("name")
            json.string(key.name)
            json.key("previous_secret_ends_at")
            json.moment(key.secrets.dropFirst().first?.validUntil.flatMap { now < $0 ? $0 : nil })
            json.key("revoked_at")
            json.moment(key.revokedAt)
            json.key("scopes")
            json.scopes(key.scopes)
            json.key("status")
            json.string(key.status(at: now))
            json.key("tenant")
            json.string(key.tenant.rawValue)
            json.key("weight")
            json.number(key.weight)
        }
    }

    /// What a caller may, and what its tenant has under way, keys sorted.
    mutating func caller(_ caller: Caller, name: String?, usage: TenantUsage) {
        object { json in
            json.key("key_id")
            json.optional(caller.key) { json, id in json.string(id.rawValue) }
            json.key("key_name")
            json.optional(name) { json, name in json.string(name) }
            json.key("limits")
            json.limits(caller.limits)
            json.key("max_priority")
            json.string(caller.maxPriority.rawValue)
            json.key("scopes")
            json.scopes(caller.scopes)
            json.key("tenant")
            json.string(caller.tenant.rawValue)
            json.key("usage")
            json.object { json in json.members(of: usage) }
            json.key("weight")
            json.number(caller.weight)
        }
    }

    /// What a tenant has under way and has had today, keys sorted.
    mutating func usage(_ usage: TenantUsage) {
        object { json in
            json.members(of: usage, named: true)
        }
    }

    private mutating func members(of usage: TenantUsage, named isNamed: Bool = false) {
        key("device_seconds_today")
        number(usage.deviceSecondsToday)
        key("running_tasks")
        number(usage.running)
        key("storage_bytes")
        number(usage.storageBytes)
        if isNamed {
            key("tenant")
            string(usage.tenant.rawValue)
        }
        key("waiting_tasks")
        number(usage.waiting)
    }

    private mutating func limits(_ limits: KeyLimits) {
        object { json in
            json.key("burst")
            json.optional(limits.requests) { json, requests in json.number(requests.burst) }
            json.key("device_seconds_per_day")
            json.optional(limits.deviceSecondsPerDay) { json, seconds in json.number(seconds) }
            json.key("requests_per_second")
            json.optional(limits.requests) { json, requests in json.number(requests.perSecond) }
            json.key("running_tasks")
            json.optional(limits.runningTasks) { json, count in json.number(count) }
            json.key("storage_bytes")
            json.optional(limits.storageBytes) { json, bytes in json.number(bytes) }
            json.key("waiting_tasks")
            json.optional(limits.waitingTasks) { json, count in json.number(count) }
        }
    }

    private mutating func scopes(_ scopes: Set<Scope>) {
        array { json in
            for scope in Scope.allCases where scopes.contains(scope) { json.string(scope.rawValue) }
        }
    }
}

extension AccessKey {
    /// `active`, `expired` or `revoked`.
    fileprivate func status(at now: Timestamp) -> String {
        if revokedAt != nil { return "revoked" }
        if let expiresAt, expiresAt <= now { return "expired" }
        return "active"
    }
}
