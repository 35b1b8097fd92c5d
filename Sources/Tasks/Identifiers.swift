package import Foundation

/// What a client holds: the name of one task.
///
/// A UUID of version 7, so that ids sort by creation time.
package struct TaskID: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let uuid: UUID

    package init(uuid: UUID) {
        self.uuid = uuid
    }

    /// Reads the canonical text form.
    ///
    /// `nil` for anything that is not a UUID of 36 characters.
    package init?(_ text: some StringProtocol) {
        guard text.utf8.count == 36, let uuid = UUID(uuidString: String(text)) else { return nil }
        self.uuid = uuid
    }

    /// Lower-case canonical UUID text.
    package var description: String { uuid.uuidString.lowercased() }

    /// The sixteen bytes, whose order is the order of creation.
    package var bytes: Data {
        withUnsafeBytes(of: uuid.uuid) { Data($0) }
    }

    /// Reads sixteen bytes; `nil` for any other number.
    package init?(bytes: Data) {
        guard bytes.count == 16 else { return nil }
        var raw: uuid_t = (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
        withUnsafeMutableBytes(of: &raw) { target in _ = bytes.copyBytes(to: target) }
        uuid = UUID(uuid: raw)
    }

    package static func < (lhs: TaskID, rhs: TaskID) -> Bool {
        withUnsafeBytes(of: lhs.uuid.uuid) { left in
            withUnsafeBytes(of: rhs.uuid.uuid) { right in left.lexicographicallyPrecedes(right) }
        }
    }
}

/// The name of one piece of device work, given by the store; rises with the order of creation.
package struct GenerationID: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let rawValue: Int64

    package init(rawValue: Int64) {
        self.rawValue = rawValue
    }

    package var description: String { String(rawValue) }

    package static func < (lhs: GenerationID, rhs: GenerationID) -> Bool {
        lhs.rawValue < rhs.rawValue
    }
}

/// The hash of everything that shapes the output, in hexadecimal.
///
/// Two requests with one key want the same video.
package struct GenerationKey: Hashable, Sendable, CustomStringConvertible {
    package let rawValue: String

    package init(rawValue: String) {
        self.rawValue = rawValue
    }

    package var description: String { rawValue }
}

/// Who a task belongs to.
///
/// Tasks of one tenant do not exist for another.
package struct TenantID: Hashable, Sendable, CustomStringConvertible {
    package let rawValue: String

    package init(rawValue: String) {
        self.rawValue = rawValue
    }

    /// The tenant of a server without keys.
    package static let standard = TenantID(rawValue: "default")

    package var description: String { rawValue }
}

/// One claimer of work: unique for each process that claims.
package struct WorkerID: Hashable, Sendable, CustomStringConvertible {
    package let rawValue: String

    package init(rawValue: String) {
        self.rawValue = rawValue
    }

    /// A name that no other process has had.
    package static func unique() -> WorkerID {
        WorkerID(rawValue: UUID().uuidString.lowercased())
    }

    package var description: String { rawValue }
}
