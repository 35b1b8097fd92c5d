import Foundation

/// Where files are written before they are complete; emptied at start.
struct StagingDirectory: Sendable {
    let path: String

    /// Creates the directory if need be.
    ///
    /// What is there was left by a process that died: nobody is writing yet.
    init(_ path: String) throws(ResultStoreError) {
        self.path = path
        try Disk.createDirectory(path)
        for leftover in try Disk.names(in: path) {
            try Disk.remove("\(path)/\(leftover)")
        }
    }

    func path(for name: String) -> String {
        "\(path)/\(name).mp4"
    }

    /// A path that nobody has used.
    func freshPath() -> String {
        "\(path)/\(UUID().uuidString).part"
    }
}
