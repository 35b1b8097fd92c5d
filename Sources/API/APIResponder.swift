import Access
import HTTPTypes
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import Scheduling
import Tasks
import Tracing

/// Answers requests: finds the route, calls the service, and turns what comes back into a response.
struct APIResponder: HTTPResponder {
    let settings: APISettings
    let service: any VideoService
    let access: AccessControl
    let keyDesk: KeyDesk
    let clock: any ServiceClock
    let tracer: any Tracer
    let logger: Logger
    private let linkSource: LinkSource
    let cache: TaskBodyCache
    let uploadPlaces: UploadPlaces
    let streamPlaces: StreamPlaces
    let healthBody: ByteBuffer
    /// The page for people who want videos.
    private let studio: HTMLPage
    let metrics: HTTPMetrics
    let metricsPage: @Sendable () async -> String
    private let crossOrigin: CrossOrigin?
    let foreignPages: ForeignPages

    init(
        settings: APISettings,
        service: any VideoService,
        access: AccessControl,
        version: String,
        clock: any ServiceClock,
        tracer: any Tracer,
        logger: Logger,
        metrics: HTTPMetrics,
        metricsPage: @escaping @Sendable () async -> String
    ) {
        self.settings = settings
        self.service = service
        self.access = access
        self.clock = clock
        self.tracer = tracer
        self.logger = logger
        self.metrics = metrics
        self.metricsPage = metricsPage
        keyDesk = KeyDesk(access.keys, clock: clock)
        linkSource = LinkSource(settings, clock: clock) { access.gate.needsKeys }
        cache = TaskBodyCache(capacity: settings.cachedTaskBodies)
        uploadPlaces = UploadPlaces(settings.maxConcurrentUploads)
        streamPlaces = StreamPlaces(settings.maxStreams, open: metrics.streams)
        crossOrigin = CrossOrigin(settings.corsOrigins)
        foreignPages = ForeignPages(settings)
        studio = HTMLPage(StudioHTML.text, showingFrom: settings.videoOrigin)
        healthBody = Self.healthBody(version: version)
    }

    /// What addresses of videos are signed with now; `nil`: with nothing.
    var links: VideoLinks? { linkSource.current }

    /// Answers a request.
    ///
    /// Every failure is a response already, so that nothing is left for the library to invent.
    func respond(to request: Request, context: APIContext) async throws -> Response {
        let started = ContinuousClock.now
        let id = RequestID(request.headers)
        let (path, query) = request.pathAndQuery
        let match = Route.matching(path)
        let trace = RequestTrace(request, match?.route, tracer: tracer, at: clock.wallTime(), since: started)
        var admission: Admission?
        var response: Response
        var problem: Problem?
        do throws(Problem) {
            guard let match else { throw .routeNotFound }
            if let headers = crossOrigin?.preflight(request.head, match.route) {
                response = Response(status: .noContent, headers: headers)
                response.headers[.requestID] = id.description
                mark(&response, request)
                count(request, match.route, query, nil, response, started)
                return response
            }
            let origin = try origin(of: request)
            let entrance = try await enter(request, match, query, &admission)
            let call = Call(
                request: request,
                route: match.route,
                variable: match.variable,
                query: query,
                caller: entrance.admission.caller,
                holder: entrance.admission.holder,
                hasLink: entrance.hasLink,
                origin: origin,
                channel: context.channel,
                id: id,
                trace: trace
            )
            response = try await answer(call)
        } catch {
            let isForOperator = admission?.caller.may(.admin) ?? false
            response = self.response(
                for: isForOperator ? error : error.withoutInside,
                id,
                asOpenAI: match?.route.isOpenAI ?? path.hasPrefix(RoutePath.openAI)
            )
            problem = error
        }
        if let match, let admission {
            if let rate = admission.rate { response.tell(rate) }
            audit(request, match, admission.holder, problem?.code ?? "done", response, context.channel, id)
        }
        mark(&response, request)
        if request.method == .head { response.dropBody() }
        count(request, match?.route, query, problem, response, started)
        trace.end(response, code: problem?.code)
        if logger.logLevel <= .debug { log(request, match?.route, response, id, started) }
        return response
    }

    private func answer(_ call: Call) async throws(Problem) -> Response {
        switch (call.route, call.request.method) {
        case (.generate, .post): try await generate(call)
        case (.estimate, .post): try await estimate(call)
        case (.tasks, .get), (.tasks, .head): try await listTasks(call)
        case (.task, .get), (.task, .head): try await showTask(call)
        case (.task, .delete): try await cancelTask(call)
        case (.preview, .get), (.preview, .head): try await sendPreview(call)
        case (.models, .get), (.models, .head): try listModels(call)
        case (.uploads, .post): try await takeUpload(call)
        case (.uploads, .get), (.uploads, .head): try await listUploads(call)
        case (.upload, .get), (.upload, .head): try await showUpload(call)
        case (.upload, .delete): try await removeUpload(call)
        case (.video, .get), (.video, .head): try await sendVideo(call)
        case (.variant, .get), (.variant, .head): try await sendVariant(call)
        case (.deliveries, .get), (.deliveries, .head): try await listDeliveries(call)
        case (.redelivery, .post): try await redeliver(call)
        case (.devices, .get), (.devices, .head): listDevices(call)
        case (.deviceDrain, .post): try await setDraining(true, ofDevice: call)
        case (.deviceResume, .post): try await setDraining(false, ofDevice: call)
        case (.queue, .get), (.queue, .head): try await showQueue(call)
        case (.scale, .get), (.scale, .head): try await showScale(call)
        case (.drain, .post): try await setDraining(true, call)
        case (.resume, .post): try await setDraining(false, call)
        case (.health, .get), (.health, .head): json(.ok, healthBody, call.id)
        case (.ready, .get), (.ready, .head): try showReadiness(call)
        case (.metrics, .get), (.metrics, .head): await showMetrics(call)
        case (.events, .get), (.events, .head): try await streamEvents(call)
        case (.me, .get), (.me, .head): try await showCaller(call)
        case (.deviceUnload, .post): try await unloadDevice(call)
        case (.tenants, .get), (.tenants, .head): try await listTenants(call)
        case (.keys, .get), (.keys, .head): try await listKeys(call)
        case (.keys, .post): try await createKey(call)
        case (.key, .get), (.key, .head): try await showKey(call)
        case (.key, .patch): try await editKey(call)
        case (.key, .delete): try await revokeKey(call)
        case (.keyRotation, .post): try await rotateKey(call)
        case (.anyTasks, .get), (.anyTasks, .head): try await listAnyTasks(call)
        case (.anyTask, .get), (.anyTask, .head): try await showAnyTask(call)
        case (.anyTask, .delete): try await cancelAnyTask(call)
        case (.anyTask, .patch): try await setPriorityOfAnyTask(call)
        case (.anyDeliveries, .get), (.anyDeliveries, .head): try await listAnyDeliveries(call)
        case (.anyRedelivery, .post): try await redeliverAny(call)
        case (.openAIVideos, _), (.openAIVideo, _), (.openAIContent, _), (.openAIRemix, _), (.openAIModels, _):
            try await answerAsOpenAI(call)
        case (.studio, .get), (.studio, .head): page(studio, call.id)
        case (.operatorPage, .get), (.operatorPage, .head): page(Self.operatorPage, call.id)
        case (.openAPI, _), (.documentation, _): try showDocumentation(call)
        case (.generate, _), (.estimate, _), (.tasks, _), (.task, _), (.preview, _), (.models, _), (.uploads, _),
            (.upload, _),
            (.video, _), (.variant, _), (.deliveries, _), (.redelivery, _), (.devices, _), (.deviceDrain, _),
            (.deviceResume, _), (.deviceUnload, _), (.events, _), (.queue, _), (.scale, _), (.drain, _), (.resume, _),
            (.me, _),
            (.tenants, _), (.keys, _), (.key, _), (.keyRotation, _), (.anyTasks, _), (.anyTask, _), (.anyDeliveries, _),
            (.anyRedelivery, _), (.operatorPage, _), (.studio, _), (.metrics, _),
            (.health, _), (.ready, _):
            throw .methodNotAllowed(call.route.methods)
        }
    }

    /// Adds what is in every response, for browsers.
    private func mark(_ response: inout Response, _ request: Request) {
        if let hsts = settings.hsts {
            response.headers[.strictTransportSecurity] = "max-age=\(hsts.components.seconds)"
        }
        crossOrigin?.mark(&response.headers, for: request.headers[.origin])
    }

    /// What stands in front of the paths in this response.
    private func origin(of request: Request) throws(Problem) -> String {
        guard let host = request.head.authority, request.headers[.host] == nil, host.isPlainAuthority else {
            throw .badHost
        }
        return settings.publicURL ?? "\(settings.scheme)://\(host)"
    }

    func json(_ status: HTTPResponse.Status, _ body: ByteBuffer, _ id: RequestID) -> Response {
        jsonResponse(status, body, id)
    }

    private func response(for problem: Problem, _ id: RequestID, asOpenAI: Bool) -> Response {
        if problem.status.code == 500 || problem.cause != nil {
            logger.error(
                "A request failed inside the server",
                metadata: [
                    "request_id": "\(id)", "code": "\(problem.code)", "cause": "\(problem.cause ?? "unknown")",
                ]
            )
        }
        if asOpenAI { return problem.openAIResponse(id, retryAfter: settings.retryAfter) }
        return Response(
            status: problem.status,
            headers: problem.headers(id, retryAfter: settings.retryAfter),
            body: ResponseBody(byteBuffer: problem.body(id))
        )
    }

    private func log(
        _ request: Request,
        _ route: Route?,
        _ response: Response,
        _ id: RequestID,
        _ started: ContinuousClock.Instant
    ) {
        let elapsed = ContinuousClock.now - started
        logger.debug(
            "Answered",
            metadata: [
                "method": "\(request.method.rawValue)", "route": "\(route?.rawValue ?? "none")",
                "status": "\(response.status.code)", "duration": "\(elapsed)", "request_id": "\(id)",
            ]
        )
    }
}

/// An answer in JSON that is nobody else's to keep.
func jsonResponse(_ status: HTTPResponse.Status, _ body: ByteBuffer, _ id: RequestID) -> Response {
    Response(
        status: status,
        headers: [
            .contentType: "application/json",
            .cacheControl: "no-store",
            .xContentTypeOptions: "nosniff",
            .requestID: id.description,
        ],
        body: ResponseBody(byteBuffer: body)
    )
}

/// One request on its route.
struct Call {
    let request: Request
    let route: Route
    /// The part of the path that differs: an id or a name.
    let variable: Substring
    let query: Substring
    let caller: Caller
    /// By what it came in.
    let holder: Admission.Holder
    /// Whether the address claims to open by itself what it names.
    let hasLink: Bool
    let origin: String
    let channel: any Channel
    let id: RequestID
    let trace: RequestTrace

    var tenant: TenantID { caller.tenant }

    /// What a key must open for it.
    var scope: Scope? {
        guard case .scope(let scope) = route.access(for: request.method) else { return nil }
        return scope
    }
}

extension Request {
    /// The path as it was sent, undecoded, and what follows its question mark.
    fileprivate var pathAndQuery: (path: Substring, query: Substring) {
        let target = Substring(head.path ?? "")
        guard let mark = target.utf8.firstIndex(of: UInt8(ascii: "?")) else { return (target, "") }
        return (target[..<mark], target[target.utf8.index(after: mark)...])
    }
}

extension Response {
    /// Leaves the head as it is for `GET`.
    mutating func dropBody() {
        let length = headers[.contentLength]
        body = ResponseBody()
        headers[.contentLength] = length
    }
}

extension String {
    /// Whether it is a host with perhaps a port, and nothing that could mean something else inside an address.
    fileprivate var isPlainAuthority: Bool {
        (1...300).contains(utf8.count)
            && utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"),
                    UInt8(ascii: ":"), UInt8(ascii: "["), UInt8(ascii: "]"):
                    true
                default:
                    false
                }
            }
    }
}
