package import Logging
package import Results
package import Tasks

/// Removes uploads whose time is over, files that no upload and no generation needs, and what generations that have
/// ended leave in the workspace.
package struct LeftoverSweep: Sendable {
    /// A file that nobody needs may be one whose upload is just being recorded, or whose request is just coming.
    static let strayAge: Duration = .seconds(600)
    /// Of each kind, in one pass.
    static let limit = 1_000

    private let store: any TaskStore
    private let uploads: any UploadStore
    private let files: FileMediaStore
    private let workspace: Workspace
    private let clock: any ServiceClock
    private let logger: Logger

    package init(
        store: any TaskStore,
        uploads: any UploadStore,
        files: FileMediaStore,
        workspace: Workspace,
        clock: any ServiceClock,
        logger: Logger
    ) {
        self.store = store
        self.uploads = uploads
        self.files = files
        self.workspace = workspace
        self.clock = clock
        self.logger = logger
    }

    /// Makes one pass.
    ///
    /// - Parameters:
    ///   - place: the last file that the pass before looked at; `nil` for the first.
    ///   - age: how long the checkpoint of a generation that waits is kept; `nil`: until the generation ends.
    func pass(after place: inout String?, keepingCheckpointsFor age: Duration?) async {
        await expire()
        await sweepFiles(after: &place)
        await sweepWorkspace(keepingCheckpointsFor: age)
    }

    private func expire() async {
        do throws(TaskStoreError) {
            let count = try await uploads.expireUploads(limit: Self.limit)
            if count > 0 { logger.info("Uploads were let go", metadata: ["uploads": "\(count)"]) }
        } catch {
            logger.error("Uploads could not be let go", metadata: ["code": "\(error.code)"])
        }
    }

    private func sweepFiles(after place: inout String?) async {
        do {
            try await files.clearLeftovers()
            let names = try await files.names(after: place, limit: Self.limit)
            // At the end, the next pass begins anew.
            place = names.count < Self.limit ? nil : names.last
            let ids = names.compactMap { MediaID($0) }
            guard !ids.isEmpty else { return }
            let needed = try await uploads.neededMedia(of: ids)
            let before = clock.wallTime().advanced(by: .zero - Self.strayAge).milliseconds
            var removed = 0
            for id in ids where !needed.contains(id) && !Task.isCancelled {
                if try await files.remove(id.hex, unusedSince: before) { removed += 1 }
            }
            if removed > 0 { logger.info("Uploaded files were removed", metadata: ["files": "\(removed)"]) }
        } catch {
            logger.error("Uploaded files could not be gone through", metadata: ["error": "\(error)"])
        }
    }

    private func sweepWorkspace(keepingCheckpointsFor age: Duration?) async {
        do {
            let found = try await workspace.generations(limit: Self.limit)
            guard !found.isEmpty else { return }
            let unfinished = try await store.unfinished(found)
            for id in found where !unfinished.contains(id) { try await workspace.remove(id) }
            guard let age else { return }
            let end = clock.wallTime().advanced(by: .zero - age)
            for id in unfinished { try await workspace.removeCheckpoint(of: id, writtenBefore: end) }
        } catch {
            logger.error("What generations leave could not be removed", metadata: ["error": "\(error)"])
        }
    }
}
