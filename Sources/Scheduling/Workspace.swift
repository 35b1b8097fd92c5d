package import Results
import Tasks

/// Files that belong to a generation that has not ended: where it was, and what it looks like so far.
package struct Workspace: Sendable {
    /// Of a preview that is served.
    static let maximumPreviewBytes = 4 << 20

    private let checkpoints: WorkFiles
    private let previews: WorkFiles

    package init(checkpoints: WorkFiles, previews: WorkFiles) {
        self.checkpoints = checkpoints
        self.previews = previews
    }

    /// The directories `checkpoints` and `previews` in another, made if need be.
    ///
    /// - Parameters:
    ///   - directory: absolute path.
    ///   - isShared: other processes use the directory as well; else it is this one's alone.
    /// - Throws: `full`, `unavailable`.
    package init(directory: String, isShared: Bool = false) throws(ResultStoreError) {
        self.init(
            checkpoints: try WorkFiles(
                directory: "\(directory)/checkpoints",
                suffix: ".safetensors",
                isShared: isShared
            ),
            previews: try WorkFiles(directory: "\(directory)/previews", suffix: ".webp", isShared: isShared)
        )
    }

    /// Where the checkpoint of a generation is.
    func checkpoint(of id: GenerationID) -> String { checkpoints.path(for: id.description) }

    /// Where the preview of a generation is.
    func preview(of id: GenerationID) -> String { previews.path(for: id.description) }

    /// The newest preview; `nil` if there is none yet.
    func readPreview(of id: GenerationID) async throws(ResultStoreError) -> Preview? {
        try await previews.read(id.description, limit: Self.maximumPreviewBytes).map {
            Preview(bytes: $0.bytes, version: $0.modified)
        }
    }

    /// The version of the newest preview; `nil` if there is none yet.
    func previewVersion(of id: GenerationID) async throws(ResultStoreError) -> Int64? {
        try await previews.modified(id.description)
    }

    /// Removes the checkpoint of a generation if it was written before a moment.
    func removeCheckpoint(of id: GenerationID, writtenBefore moment: Timestamp) async throws(ResultStoreError) {
        try await checkpoints.remove(id.description, writtenBefore: moment.milliseconds)
    }

    /// Removes what a generation that has ended leaves.
    func remove(_ id: GenerationID) async throws(ResultStoreError) {
        try await checkpoints.remove(id.description)
        try await previews.remove(id.description)
    }

    /// The generations that something is here of, some at a time.
    func generations(limit: Int) async throws(ResultStoreError) -> [GenerationID] {
        let names = Set(try await checkpoints.names(limit: limit)).union(try await previews.names(limit: limit))
        return names.compactMap { Int64($0).map(GenerationID.init(rawValue:)) }
    }
}
