import HTTPTypes
import Hummingbird
import HummingbirdCore
import NIOCore
import Scheduling
import Tasks

extension APIResponder {
    func generate(_ call: Call) async throws(Problem) -> Response {
        let idempotencyKey = try idempotencyKey(of: call.request)
        let body = try await call.request.jsonBody(limit: settings.maxBodyBytes)
        let policies = VideoWire.Policies(callbacks: settings.callbacks, media: settings.mediaURLs)
        let wire: VideoWire
        do { wire = try VideoWire(Array(buffer: body), policies: policies) } catch { throw Problem(error) }
        let (video, model) = try await video(from: wire, of: call.tenant)
        let submission: Submission
        do {
            submission = try await service.submit(
                AdmissionRequest(
                    tenant: call.tenant,
                    video: video,
                    model: model.name,
                    priority: wire.priority,
                    idempotencyKey: idempotencyKey,
                    cache: wire.cache,
                    callback: wire.callback(origin: call.origin)
                )
            )
        } catch {
            throw Problem(error)
        }
        let task = wireForm(of: submission.task, call)
        var response = json(submission.status, task.encoded(), call.id)
        response.headers[.location] = call.origin + RoutePath.task(submission.task.id.description)
        if submission.disposition == .replayed { response.headers[.idempotencyReplayed] = "true" }
        return response
    }

    /// Parses a request for the model that suits it.
    ///
    /// Files are fetched and stored only for a request in which nothing was found wrong before.
    private func video(
        from wire: VideoWire,
        of tenant: TenantID
    ) async throws(Problem) -> (VideoRequest, ModelDescription) {
        let catalog: ModelCatalog
        do { catalog = try service.catalog() } catch { throw Problem(error) }
        let roles = wire.roles
        guard let (model, objections) = catalog.choice(of: wire.model, bringing: roles) else { throw .noModel }
        var draft = wire.draft
        var violations = wire.violations + objections
        if !wire.sources.isEmpty, violations.isEmpty {
            do {
                let media = try await MediaResolution(wire.sources, of: tenant, from: service)
                draft.inputs = media.inputs
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

    private func idempotencyKey(of request: Request) throws(Problem) -> String? {
        guard let key = request.headers[.idempotencyKey] else { return nil }
        let violation: (code: Violation.Code, message: String)? =
            if key.isEmpty {
                (.empty, "Idempotency-Key must not be empty.")
            } else if key.utf8.count > 255 {
                (.tooLong, "Idempotency-Key must have at most 255 characters; it has \(key.utf8.count).")
            } else if !key.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) {
                (.notText, "Idempotency-Key must consist of visible ASCII characters, and be there once.")
            } else {
                nil
            }
        if let violation {
            throw .invalid([
                Violation(field: "Idempotency-Key", code: violation.code, message: violation.message)
            ])
        }
        return key
    }
}

extension Submission {
    /// 200 if there is nothing to wait for, 202 otherwise.
    fileprivate var status: HTTPResponse.Status {
        switch disposition {
        case .queued, .joined: .accepted
        case .cached: .ok
        case .replayed: task.status.isTerminal ? .ok : .accepted
        }
    }
}
