package import Tasks

/// Who a process is among those of its deployment.
package struct MemberIdentity: Sendable, Equatable {
    /// What a process is there for.
    package enum Role: String, Sendable, CaseIterable {
        /// Takes requests and makes videos.
        case all
        case api
        case worker
    }

    package var id: WorkerID
    package var role: Role
    /// What people call its machine; part of the ids of its devices.
    package var host: String
    /// Of the program.
    package var version: String

    package init(
        id: WorkerID = .unique(),
        role: Role = .all,
        host: String = "localhost",
        version: String = ""
    ) {
        self.id = id
        self.role = role
        self.host = host
        self.version = version
    }
}

/// A process of the deployment as it is counted.
package struct MemberCount: Sendable, Equatable {
    /// As the process says; a newer one may have another than those of `MemberIdentity.Role`.
    package var role: String
    package var count: Int
}
