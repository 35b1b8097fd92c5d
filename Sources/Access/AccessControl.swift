/// Everything about who may come in that the doors need.
package struct AccessControl: Sendable {
    package let gate: Gate
    package let keys: KeyAdministration
    package let audit: any AuditLog

    package init(gate: Gate, keys: KeyAdministration, audit: any AuditLog) {
        self.gate = gate
        self.keys = keys
        self.audit = audit
    }
}
