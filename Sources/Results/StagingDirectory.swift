import Foundation

/// Where files are written before they are complete.
///
/// Names are this value's own: several processes may write here, and in one process several stores.
struct StagingDirectory: Sendable {
    /// What others may still be writing is younger.
    static let leftoverAge: Int64 = 6 * 3_600_000

    let path: String
    private let isShared: Bool
    private let prefix = UUID().uuidString.prefix(8).lowercased()

    /// Creates the directory if need be, and removes what processes that died have left.
    ///
    /// - Parameters:
    ///   - path: absolute.
    ///   - isShared: other processes write here as well, so that only what is old can have been left.
    /// - Throws: `full`, `unavailable`.
    init(_ path: String, isShared: Bool = false) throws(ResultStoreError) {
        self.path = path
        self.isShared = isShared
        try Disk.createDirectory(path)
        try clear()
    }

    func path(for name: String) -> String {
        "\(path)/\(prefix)-\(name).mp4"
    }

    /// A path that nobody has used.
    func freshPath() -> String {
        "\(path)/\(UUID().uuidString).part"
    }

    /// Removes what others have left, where others write here; alone, all of it was left before the start.
    func clearLeftovers() throws(ResultStoreError) {
        guard isShared else { return }
        try clear()
    }

    private func clear() throws(ResultStoreError) {
        for leftover in try Disk.names(in: path) {
            try Disk.removeLeftover("\(path)/\(leftover)", isShared: isShared)
        }
    }
}
