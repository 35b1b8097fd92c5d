import Scheduling
import Tasks

/// Reads the body of a request for a video, whichever way it came.
struct RequestReading: Sendable {
    let settings: APISettings
    let service: any VideoService

    /// What is done about files that come along with a request or lie at an address.
    enum FileHandling {
        /// They are fetched and become uploads.
        case kept
        /// They are taken for files that will do.
        case assumed
    }

    /// Reads what is asked for.
    ///
    /// - Parameters:
    ///   - body: the whole text.
    ///   - caller: who asks.
    ///   - origin: what stands in front of our paths for this client.
    ///   - files: what is done about files.
    /// - Returns: what can be submitted.
    /// - Throws: everything that is wrong with it.
    func admission(
        _ body: [UInt8],
        by caller: Caller,
        origin: String,
        files: FileHandling
    ) async throws(Problem) -> AdmissionRequest {
        let policies = VideoWire.Policies(callbacks: settings.callbacks, media: settings.mediaURLs)
        let wire: VideoWire
        do { wire = try VideoWire(body, policies: policies) } catch { throw Problem(error) }
        let priority = caller.priority(wire.priority)
        let (video, model) = try await video(from: wire, by: caller, after: priority.violation, files)
        return AdmissionRequest(
            caller: caller,
            video: video,
            model: model.name,
            priority: priority.value,
            cache: wire.cache,
            callback: wire.callback(origin: origin),
            isDeterministic: wire.isDeterministic
        )
    }

    /// Parses a request for the model that suits it.
    ///
    /// Files are fetched and stored only for a request in which nothing was found wrong before.
    private func video(
        from wire: VideoWire,
        by caller: Caller,
        after objection: Violation?,
        _ files: FileHandling
    ) async throws(Problem) -> (VideoRequest, ModelDescription) {
        let catalog: ModelCatalog
        do { catalog = try service.catalog() } catch { throw Problem(error) }
        let roles = wire.roles
        guard let (model, objections) = catalog.choice(of: wire.model, bringing: roles) else { throw .noModel }
        var draft = wire.draft
        var violations = wire.violations + (objection.map { [$0] } ?? []) + objections
        if !wire.sources.isEmpty, violations.isEmpty {
            do {
                var assumed: [InputRole: Media] = [:]
                if files == .assumed {
                    for (role, source) in wire.sources { assumed[role] = source.assumedMedia(for: role) }
                }
                let sources = wire.sources.filter { assumed[$0.key] == nil }
                let media = try await MediaResolution(sources, of: caller, from: service)
                draft.inputs = assumed.merging(media.inputs) { $1 }
                violations = media.violations
            } catch {
                throw Problem(error)
            }
        }
        draft.missing = roles.subtracting(draft.inputs.keys)
        do {
            return (try VideoRequest(draft, for: model, loras: catalog.loras, after: violations), model)
        } catch {
            throw Problem(error)
        }
    }
}
