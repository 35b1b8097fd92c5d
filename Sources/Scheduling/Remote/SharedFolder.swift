/// A folder that all machines of a deployment have, each perhaps under a path of its own.
package struct SharedFolder: Sendable {
    private let root: String

    /// - Parameter root: absolute path on this machine.
    package init(_ root: String) {
        self.root = root.hasSuffix("/") ? String(root.dropLast()) : root
    }

    /// The path within the folder; `nil` for one that is not in it.
    func relative(_ path: String) -> String? {
        guard path.hasPrefix(root + "/") else { return nil }
        let inner = String(path.dropFirst(root.count + 1))
        return Self.isPlain(inner) ? inner : nil
    }

    /// The path on this machine; `nil` for one that leads out of the folder.
    func absolute(_ path: String) -> String? {
        Self.isPlain(path) ? "\(root)/\(path)" : nil
    }

    /// Whether a path stays where it begins.
    private static func isPlain(_ path: String) -> Bool {
        !path.isEmpty
            && path.split(separator: "/", omittingEmptySubsequences: false).allSatisfy {
                !$0.isEmpty && $0 != "." && $0 != ".." && !$0.utf8.contains(0)
            }
    }
}
