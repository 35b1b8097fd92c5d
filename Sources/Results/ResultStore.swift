package import Foundation

/// Where finished videos are kept, under the hash of their content.
///
/// `ResultStoreConformance` in the test support is the precise form of this contract.
package protocol ResultStore: Sendable {
    /// A path that does not exist, for an engine to write one file to. On this machine; emptied at start.
    func stagingPath(for name: String) -> String

    /// Takes over a complete video from a staging path: afterwards it is found under its content's name. The staging
    /// path is gone, whether that succeeded or not. Two writers of one video both succeed.
    ///
    /// - Parameters:
    ///   - stagingPath: from `stagingPath(for:)`.
    ///   - sidecar: JSON that is kept beside the video; the last one written counts.
    /// - Returns: the video's name and length.
    /// - Throws: `full`, `unavailable`.
    func adopt(_ stagingPath: String, sidecar: Data) async throws(ResultStoreError) -> StoredVideo

    /// The video, open for reading, or `nil` if there is none of that name. Counts as a use.
    ///
    /// Its checksum is verified the first time it is found after a start. A file that does not match is set aside.
    ///
    /// - Throws: `damaged`, `unavailable`.
    func video(_ name: VideoName) async throws(ResultStoreError) -> VideoContent?

    /// What was kept beside the video.
    func sidecar(of name: VideoName) async throws(ResultStoreError) -> Data?

    /// Whether there is a video of that name and length. No content is read.
    ///
    /// - Throws: `unavailable`: storage that does not answer is not a video that is lost.
    func contains(_ name: VideoName, bytes: Int64) async throws(ResultStoreError) -> Bool

    /// Something that was made from the video and kept with it; `nil` if it was not made yet.
    func variant(_ variant: VideoVariant, of name: VideoName) async throws(ResultStoreError) -> VideoContent?

    /// Keeps what was made from a video; it is removed with the video, and at once if the video is gone already.
    func adopt(_ stagingPath: String, as variant: VideoVariant, of name: VideoName) async throws(ResultStoreError)

    /// Calls `body` with the path of a file on this machine that holds the video; `nil` if there is no such video.
    ///
    /// The file is there until `body` returns.
    func withLocalFile<Value: Sendable>(
        of name: VideoName,
        _ body: @Sendable (String) async -> Value
    ) async throws(ResultStoreError) -> Value?

    /// Goes through everything that is kept.
    ///
    /// - Parameter oldest: how many of those that were used longest ago to name.
    /// - Returns: how much there is.
    /// - Throws: `unavailable`.
    func usage(oldest: Int) async throws(ResultStoreError) -> ResultUsage

    /// Removes a video, its sidecar and its variants, unless it was used or adopted since the usage was looked at.
    ///
    /// Who is reading it reads on.
    ///
    /// - Returns: whether it is gone.
    func remove(_ video: KeptVideo) async throws(ResultStoreError) -> Bool

    /// Compares the content of a video with its name; what does not match is set aside as on reading.
    ///
    /// - Returns: whether it is there and whole.
    func verify(_ name: VideoName) async throws(ResultStoreError) -> Bool
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

    /// Takes over what a hash function gave.
    init(validHex hex: String) {
        self.hex = hex
    }

    package var description: String { hex }
}

/// A video that was taken over.
package struct StoredVideo: Sendable, Equatable {
    package var name: VideoName
    package var bytes: Int64

    package init(name: VideoName, bytes: Int64) {
        self.name = name
        self.bytes = bytes
    }
}

/// A video that is kept, as an inventory sees it.
package struct KeptVideo: Sendable, Equatable {
    package var name: VideoName
    /// Of the video, its sidecar and its variants.
    package var bytes: Int64
    /// Milliseconds since 1970, when it was adopted or last read, to within a minute.
    package var lastUsed: Int64

    package init(name: VideoName, bytes: Int64, lastUsed: Int64) {
        self.name = name
        self.bytes = bytes
        self.lastUsed = lastUsed
    }
}

/// How much is kept.
package struct ResultUsage: Sendable, Equatable {
    package var videos: Int
    package var bytes: Int64
    /// Those used longest ago, the oldest first.
    package var oldest: [KeptVideo]

    package init(videos: Int, bytes: Int64, oldest: [KeptVideo]) {
        self.videos = videos
        self.bytes = bytes
        self.oldest = oldest
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
