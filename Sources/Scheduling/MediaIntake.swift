package import Engine
package import Logging
package import Results
package import Tasks

/// What uploads may be.
package struct UploadSettings: Sendable, Equatable {
    /// Of one file.
    package var maxBytes: Int64
    /// Of all files of a tenant.
    package var quota: Int64
    /// From the last time it was uploaded.
    package var lifetime: Duration

    package init(
        maxBytes: Int64 = 64 << 20,
        quota: Int64 = 10 << 30,
        lifetime: Duration = .seconds(86_400)
    ) {
        self.maxBytes = maxBytes
        self.quota = quota
        self.lifetime = lifetime
    }
}

/// Takes in files: what a client sends, or what is at an address that it gave.
///
/// A file counts only once an engine process has decoded all of it.
package struct MediaIntake: Sendable {
    let uploads: any UploadStore
    let files: FileMediaStore
    let inspector: any MediaInspector
    let fetcher: any MediaFetcher
    let settings: UploadSettings
    let clock: any ServiceClock
    let logger: Logger
    let metrics = UploadMetrics()

    package init(
        uploads: any UploadStore,
        files: FileMediaStore,
        inspector: any MediaInspector,
        fetcher: any MediaFetcher,
        settings: UploadSettings = UploadSettings(),
        clock: any ServiceClock,
        logger: Logger
    ) {
        self.uploads = uploads
        self.files = files
        self.inspector = inspector
        self.fetcher = fetcher
        self.settings = settings
        self.clock = clock
        self.logger = logger
    }

    /// Begins a file of a caller's.
    func newUpload(by caller: Caller) async throws(AdmissionError) -> any UploadSink {
        do {
            return FileUpload(file: try await files.newFile(), caller: caller, intake: self)
        } catch {
            throw .results(error)
        }
    }

    /// Fetches a file and keeps it.
    func fetch(_ url: CallbackURL, by caller: Caller) async throws(AdmissionError) -> Upload {
        let upload = try await newUpload(by: caller)
        do {
            try await fetcher.fetch(url, limit: settings.maxBytes) { try await upload.write($0) }
        } catch {
            await upload.abandon()
            switch error {
            case let error as AdmissionError: throw error
            case let error as MediaFetchError: throw refused(.mediaFetch(error))
            default:
                let failure = MediaFetchError(code: "media_fetch_failed", message: "The fetch was ended.")
                throw refused(.mediaFetch(failure))
            }
        }
        return try await upload.finish(idempotencyKey: nil)
    }

    /// Counts a file that is not kept.
    ///
    /// - Returns: why it is not.
    fileprivate func refused(_ error: AdmissionError) -> AdmissionError {
        metrics.refused(error)
        return error
    }

    /// Looks into a complete file and keeps it.
    ///
    /// The file comes to its name before anybody is told of it, so that no upload is without its file.
    fileprivate func keep(
        _ file: StagedMedia,
        of caller: Caller,
        idempotencyKey: String?
    ) async throws(AdmissionError) -> Upload {
        let media: Media
        do {
            let (hex, bytes) = try await file.finish()
            guard let id = MediaID(hex) else { throw AdmissionError.results(.unavailable("no hash")) }
            media = Media(id: id, bytes: bytes, try await inspect(file))
            try await files.adopt(file)
        } catch {
            await file.discard()
            switch error {
            case let error as AdmissionError: throw error
            case let error as ResultStoreError: throw .results(error)
            default: throw .mediaUnavailable(code: "inspection_failed")
            }
        }
        let adopted = clock.wallTime()
        do {
            return try await uploads.add(
                media,
                of: caller.tenant,
                lifetime: settings.lifetime,
                quota: caller.limits.storageBytes ?? settings.quota,
                idempotencyKey: idempotencyKey
            )
        } catch {
            await forget(media.id, adopted: adopted)
            throw .store(error)
        }
    }

    /// Removes a file that its upload was refused for, unless somebody else has it or brings it now.
    private func forget(_ id: MediaID, adopted: Timestamp) async {
        do {
            guard try await uploads.neededMedia(of: [id]).isEmpty else { return }
            _ = try await files.remove(id.hex, unusedSince: adopted.milliseconds)
        } catch {
            // The sweep finds it.
            logger.warning("A refused upload could not be removed", metadata: ["media": "\(id)"])
        }
    }

    private func inspect(_ file: StagedMedia) async throws(AdmissionError) -> InspectedMedia {
        do {
            return try await inspector.inspect(file.path)
        } catch {
            switch error.code {
            case "media_unreadable", "media_too_large":
                throw .mediaRefused(code: error.code, message: error.message)
            default:
                logger.error("An upload could not be looked into", metadata: ["code": "\(error.code)"])
                throw .mediaUnavailable(code: error.code)
            }
        }
    }
}

/// One file on its way in.
private struct FileUpload: UploadSink {
    let file: StagedMedia
    let caller: Caller
    let intake: MediaIntake

    func write(_ part: [UInt8]) async throws(AdmissionError) {
        do {
            guard file.bytes + Int64(part.count) <= intake.settings.maxBytes else {
                throw AdmissionError.uploadTooLarge(limit: intake.settings.maxBytes)
            }
            try await file.append(part)
        } catch let error as ResultStoreError {
            throw intake.refused(.results(error))
        } catch {
            throw intake.refused(.uploadTooLarge(limit: intake.settings.maxBytes))
        }
    }

    func finish(idempotencyKey: String?) async throws(AdmissionError) -> Upload {
        do {
            let upload = try await intake.keep(file, of: caller, idempotencyKey: idempotencyKey)
            intake.metrics.accepted()
            return upload
        } catch {
            throw intake.refused(error)
        }
    }

    func abandon() async {
        await file.discard()
    }
}

extension Media {
    fileprivate init(id: MediaID, bytes: Int64, _ found: InspectedMedia) {
        self.init(
            id: id,
            bytes: bytes,
            kind: found.kind == .image ? .image : .video,
            format: found.format,
            width: found.width,
            height: found.height,
            numFrames: found.numFrames,
            fps: found.fps,
            seconds: found.seconds
        )
    }
}
