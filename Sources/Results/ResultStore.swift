/// Where finished videos are kept, under the hash of their content.
///
/// `ResultStoreConformance` in the test support is the precise form of this contract.
package protocol ResultStore: Sendable {
    /// A path that does not exist, for an engine to write one video to. On the same file system as the store.
    func stagingPath(for name: String) -> String

    /// Takes over a complete file from a staging path: afterwards it is found under its content's name, and the
    /// staging path is gone. Two writers of one video both succeed.
    func adopt(_ stagingPath: String) async throws(ResultStoreError) -> StoredVideo

    /// The video, or `nil` if there is none of that name.
    ///
    /// Its checksum is verified the first time it is found after a start. A file that does not match is set aside.
    ///
    /// - Throws: `damaged`, `unavailable`.
    func video(_ name: VideoName) async throws(ResultStoreError) -> StoredVideo?

    /// Whether there is a file of that name and length. Cheap: no content is read.
    func contains(_ name: VideoName, bytes: Int64) -> Bool
}

/// The name of a video: SHA-256 of its content, 64 lower-case hexadecimal digits.
package struct VideoName: Hashable, Sendable, CustomStringConvertible {
    package let hex: String

    /// `nil` for anything but 64 lower-case hexadecimal digits, so that a name can be part of a path.
    package init?(_ text: some StringProtocol) {
        guard text.utf8.count == 64, text.utf8.allSatisfy({ (48...57).contains($0) || (97...102).contains($0) }) else {
            return nil
        }
        hex = String(text)
    }

    package var description: String { hex }
}

/// A video that is there.
package struct StoredVideo: Sendable, Equatable {
    package var name: VideoName
    package var bytes: Int64
    /// Absolute path of the file.
    package var path: String

    package init(name: VideoName, bytes: Int64, path: String) {
        self.name = name
        self.bytes = bytes
        self.path = path
    }
}

/// Why a result store could not do what it was asked.
package enum ResultStoreError: Error, Sendable, Equatable {
    /// No room left.
    case full
    /// The content is not what the name says. The file was set aside.
    case damaged(VideoName)
    /// The storage does not work.
    case unavailable(String)

    /// Stable, snake_case.
    package var code: String {
        switch self {
        case .full: "disk_full"
        case .damaged: "video_damaged"
        case .unavailable: "results_unavailable"
        }
    }
}
