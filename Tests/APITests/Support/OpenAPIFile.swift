import Foundation

/// The contract in the root of the repository, read as far as a test needs: by its lines.
struct OpenAPIFile {
    let text: String

    init() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        text = try String(contentsOf: root.appending(path: "openapi.yaml"), encoding: .utf8)
    }

    /// Methods and paths, as in `GET /healthz`.
    var operations: [String] {
        let methods: Set<Substring> = ["get", "head", "post", "put", "delete", "patch", "options", "trace"]
        var operations: [String] = []
        var path: Substring?
        var isInPaths = false
        for line in text.split(separator: "\n") {
            if line.first?.isLetter == true { isInPaths = line == "paths:" }
            guard isInPaths, line.hasSuffix(":") else { continue }
            if line.hasPrefix("  /") {
                path = line.dropFirst(2).dropLast()
            } else if line.hasPrefix("    "), let path, methods.contains(line.dropFirst(4).dropLast()) {
                operations.append("\(line.dropFirst(4).dropLast().uppercased()) \(path)")
            }
        }
        return operations
    }
}
