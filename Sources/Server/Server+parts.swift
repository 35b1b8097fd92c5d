import API
import Foundation
import Logging
import NIOPosix
import Results
import Scheduling
import ServiceLifecycle
import Tasks
import Telemetry
import Tracing
import Webhooks

/// What a server is put together from.
extension Server {
    /// What makes spans, and the service that sends them; without a collector there is neither.
    static func tracing(
        _ configuration: ServerConfiguration.TracingConfiguration,
        _ clock: any ServiceClock,
        _ logger: Logger
    ) -> (any Tracer, [any Service]) {
        guard let settings = configuration.settings else { return (NoOpTracer(), []) }
        let exporter = OTLPExporter(
            settings: settings,
            version: Version.current,
            instance: UUID().uuidString.lowercased(),
            group: MultiThreadedEventLoopGroup.singleton,
            clock: clock,
            logger: logger
        )
        let sampler = TraceSampler(ratio: configuration.sampleRatio)
        return (SpanTracer(sampler: sampler) { exporter.queue.add($0) }, [exporter])
    }

    /// What the server proves with who it is; `nil` without TLS.
    static func identity(_ settings: APISettings) throws(ServerError) -> TLSIdentity? {
        guard let certificate = settings.tlsCertificate, let key = settings.tlsKey else { return nil }
        do {
            return try TLSIdentity(certificate: certificate, key: key)
        } catch {
            throw .identityUnusable(error.message)
        }
    }

    static func trustRoots(_ file: String?) throws(ServerError) -> TrustRoots {
        guard let file else { return .system }
        do {
            return try TrustRoots(alsoIn: file)
        } catch {
            throw .certificatesUnusable("\(file): \(error)")
        }
    }

    /// Opens what videos are kept in, and gives it with what ends it.
    ///
    /// - Parameters:
    ///   - s3: a bucket for them; `nil`: the folder.
    ///   - folder: also for what is on its way into the bucket.
    ///   - isShared: whether other processes use the folder as well.
    ///   - name: this process among those.
    ///   - logger: hears of what is damaged.
    /// - Returns: the store, and what ends it.
    /// - Throws: `bucketUnusable`, `dataDirectoryUnusable`.
    static func openResults(
        _ s3: S3Settings?,
        in folder: String,
        isShared: Bool,
        as name: String,
        _ logger: Logger
    ) async throws(ServerError) -> (any ResultStore, @Sendable () async throws -> Void) {
        // Within the folder, where workers can read what they are asked about, and apart from what others write.
        let directory = s3 != nil && isShared ? try prepareDirectory("\(folder)/s3/\(name)") : folder
        do throws(ResultStoreError) {
            guard let s3 else {
                let files = try FileResultStore(directory: directory, isShared: isShared, logger: logger)
                return (files, { try await files.close() })
            }
            let objects = try S3ResultStore(settings: s3, directory: directory, logger: logger)
            do throws(ResultStoreError) {
                try await objects.checkBucket()
            } catch {
                // Its connections must be ended, whatever that gives.
                try? await objects.close()
                throw error
            }
            return (objects, { try await objects.close() })
        } catch {
            guard s3 == nil else { throw .bucketUnusable("\(error)") }
            throw .dataDirectoryUnusable("\(error)")
        }
    }

    /// Opens what uploads are kept in, and what generations leave while they run.
    static func openWorkspace(
        in folder: String,
        isShared: Bool
    ) throws(ServerError) -> (FileMediaStore, Workspace) {
        do throws(ResultStoreError) {
            return (
                try FileMediaStore(directory: folder, isShared: isShared),
                try Workspace(directory: folder, isShared: isShared)
            )
        } catch {
            throw .dataDirectoryUnusable("\(error)")
        }
    }

    /// Makes the data directory, for its owner alone.
    static func prepareDirectory(_ path: String) throws(ServerError) -> String {
        let url = URL(fileURLWithPath: path)
        do {
            try FileManager.default.createDirectory(
                at: url,
                withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700]
            )
        } catch {
            throw .dataDirectoryUnusable("\(path): \(error.localizedDescription)")
        }
        return url.path
    }
}
