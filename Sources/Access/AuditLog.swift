package import Tasks

/// Keeps what was done with the rights of an administrator, and what was tried without.
package protocol AuditLog: Sendable {
    /// Writes an entry down, or says in the server's log why it could not.
    func write(_ entry: AuditEntry)
}

/// One deed.
package struct AuditEntry: Sendable, Equatable {
    package var time: Timestamp
    /// The id of the key; `settings` for that of the settings, `none` for none.
    package var key: String
    /// What was done, as in `key.revoke`.
    package var action: String
    /// What it was done to: the id of a key, a device or a task; `server` for all of it.
    package var target: String
    /// `done`, or the code of the problem.
    package var outcome: String
    package var requestID: String
    /// The other end of the connection, without its port.
    package var peer: String

    package init(
        time: Timestamp,
        key: String,
        action: String,
        target: String,
        outcome: String,
        requestID: String,
        peer: String
    ) {
        self.time = time
        self.key = key
        self.action = action
        self.target = target
        self.outcome = outcome
        self.requestID = requestID
        self.peer = peer
    }
}

extension Admission.Holder {
    /// As the audit log names it.
    package var label: String {
        switch self {
        case .nobody: "none"
        case .settings: "settings"
        case .key(let id, name: _): id.rawValue
        }
    }
}
