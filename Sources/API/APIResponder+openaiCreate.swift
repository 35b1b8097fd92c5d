import HTTPTypes
import Hummingbird
import HummingbirdCore
import NIOCore
import Scheduling
import Tasks

extension APIResponder {
    /// Accepts a request in JSON, or in a form that may bring a file.
    func createOpenAIVideo(_ call: Call) async throws(Problem) -> Response {
        let key = try idempotencyKey(of: call.request)
        if call.request.headers[.contentType]?.isForm == true { return try await takeOpenAIForm(call, key) }
        let body = try await call.request.jsonBody(limit: settings.maxBodyBytes)
        let wire: OpenAIVideoWire
        do { wire = try OpenAIVideoWire(Array(buffer: body), policies: policies) } catch { throw Problem(error) }
        return try await submit(wire, file: nil, call, key)
    }

    /// Asks for the video of a task again, with another prompt.
    func remixOpenAIVideo(_ call: Call) async throws(Problem) -> Response {
        let key = try idempotencyKey(of: call.request)
        let body = try await call.request.jsonBody(limit: settings.maxBodyBytes)
        let remix: OpenAIRemixWire
        do { remix = try OpenAIRemixWire(Array(buffer: body)) } catch { throw Problem(error) }
        let source = try await openAITask(call)
        guard source.status == .succeeded else { throw .notCompleted(source.status) }
        let catalog = try catalog()
        guard let model = catalog.model(named: source.generation.model) else {
            throw .invalid([Violation(field: "model", code: .notAllowed, message: "The model is not there any more.")])
        }
        let sources = source.generation.request.inputs.mapValues { MediaSource.upload($0) }
        let media: MediaResolution
        do { media = try await MediaResolution(sources, of: call.caller, from: service) } catch { throw Problem(error) }
        var draft = VideoRequest.Draft(source.generation, prompt: remix.prompt)
        draft.inputs = media.inputs
        draft.missing = Set(sources.keys).subtracting(media.inputs.keys)
        let video: VideoRequest
        do {
            video = try VideoRequest(
                draft, for: model, loras: catalog.loras, after: remix.violations + media.violations)
        } catch {
            throw Problem(error)
        }
        return try await submit(
            AdmissionRequest(
                caller: call.caller,
                video: video,
                model: model.name,
                priority: TaskPriority(rank: min(source.generation.priority, call.caller.maxPriority.rank)),
                idempotencyKey: key,
                isDeterministic: source.generation.isDeterministic,
                remixedFrom: source.id,
                trace: call.trace.context
            ),
            call
        )
    }

    private var policies: VideoWire.Policies {
        VideoWire.Policies(callbacks: settings.callbacks, media: settings.mediaURLs)
    }

    private func catalog() throws(Problem) -> ModelCatalog {
        do { return try service.catalog() } catch { throw Problem(error) }
    }

    /// Takes a form in part by part: of the file none is held longer than it takes to write it.
    private func takeOpenAIForm(_ call: Call, _ key: String?) async throws(Problem) -> Response {
        let request = call.request
        try request.checkContentEncoding()
        var form = try OpenAIFormReader(request.headers, settings: settings)
        guard !request.isAnnounced(over: settings.maxFormBytes) else {
            throw .bodyTooLarge(limit: settings.maxFormBytes)
        }
        var file: (any UploadSink)?
        defer { if file != nil { uploadPlaces.giveBack() } }
        do throws(Problem) {
            try await request.readBody { part throws(Problem) in
                for piece in try form.take(Array(buffer: part)) {
                    switch piece {
                    case .fileBegins: file = try await beginFile(call)
                    case .content(let bytes):
                        do throws(AdmissionError) { try await file?.write(bytes) } catch { throw Problem(error) }
                    }
                }
            }
            try form.finish()
        } catch {
            await file?.abandon()
            throw error
        }
        let wire = OpenAIVideoWire(form: form.fields, hasFile: form.hasFile, policies: policies)
        return try await submit(wire, file: file, call, key)
    }

    private func beginFile(_ call: Call) async throws(Problem) -> any UploadSink {
        guard uploadPlaces.take() else { throw .uploadsBusy }
        do {
            return try await service.newUpload(by: call.caller)
        } catch {
            uploadPlaces.giveBack()
            throw Problem(error)
        }
    }

    private func submit(
        _ wire: OpenAIVideoWire,
        file: (any UploadSink)?,
        _ call: Call,
        _ key: String?
    ) async throws(Problem) -> Response {
        let (video, model) = try await video(from: wire, file: file, by: call.caller)
        return try await submit(
            AdmissionRequest(
                caller: call.caller,
                video: video,
                model: model.name,
                priority: call.caller.priority(wire.video.priority).value,
                idempotencyKey: key,
                cache: wire.video.cache,
                callback: wire.video.callback(origin: call.origin),
                isDeterministic: wire.video.isDeterministic,
                trace: call.trace.context
            ),
            call
        )
    }

    /// Submits a request, unless it is the second try of one that was accepted.
    private func submit(_ request: AdmissionRequest, _ call: Call) async throws(Problem) -> Response {
        var response: Response
        if let earlier = try await firstTry(of: request, call) {
            metrics.replayed(request.priority)
            response = openAIVideo(earlier, call)
            response.headers[.idempotencyReplayed] = "true"
            return response
        }
        let submission: Submission
        do { submission = try await service.submit(request) } catch { throw Problem(error) }
        note(submission, call)
        response = openAIVideo(submission.task, call)
        if submission.disposition == .replayed { response.headers[.idempotencyReplayed] = "true" }
        return response
    }

    private func firstTry(of request: AdmissionRequest, _ call: Call) async throws(Problem) -> GenerationTask? {
        guard request.idempotencyKey == nil, OpenAIRetry.isMarked(call.request.headers[.stainlessRetryCount]) else {
            return nil
        }
        let page: TaskPage
        do {
            page = try await service.tasks(matching: TaskQuery(tenant: call.tenant, limit: OpenAIRetry.depth))
        } catch {
            throw Problem(error)
        }
        return OpenAIRetry.task(among: page.tasks, of: request, at: clock.wallTime())
    }

    /// Parses a request for the model that suits it.
    ///
    /// Files are kept and fetched only for a request in which nothing was found wrong before.
    private func video(
        from wire: OpenAIVideoWire,
        file: (any UploadSink)?,
        by caller: Caller
    ) async throws(Problem) -> (VideoRequest, ModelDescription) {
        let name = wire.video.model.map(settings.openAIModel)
        let catalog: ModelCatalog
        var violations = wire.violations + [caller.priority(wire.video.priority).violation].compactMap(\.self)
        do throws(Problem) {
            catalog = try self.catalog()
            guard let (_, objections) = catalog.choice(of: name, bringing: wire.video.roles) else { throw .noModel }
            violations += objections
        } catch {
            await file?.abandon()
            throw error
        }
        var draft = wire.draft
        var roles = wire.video.roles
        if violations.isEmpty {
            let media = try await OpenAIMedia(wire, file: file, by: caller, from: service)
            draft.inputs = media.inputs
            violations = media.violations
            roles.formUnion(media.inputs.keys)
        } else {
            await file?.abandon()
        }
        guard let (model, objections) = catalog.choice(of: name, bringing: roles) else { throw .noModel }
        violations += objections.filter { !violations.contains($0) }
        draft.missing = roles.subtracting(draft.inputs.keys)
        if let seconds = wire.seconds {
            let field = OpenAIVideoWire.Field.seconds.rawValue
            let fps = draft.fps ?? model.defaults.fps
            do throws(FieldFault) {
                draft.numFrames = try OpenAIDuration.frames(seconds, at: fps, within: model.limits, field)
            } catch {
                violations.append(Violation(field: field, code: error.code, message: error.message))
            }
        }
        do {
            return (try VideoRequest(draft, for: model, loras: catalog.loras, after: violations), model)
        } catch {
            throw .invalid(error.violations.map(wire.asSent))
        }
    }
}
