import HTTPTypes
import Hummingbird
import HummingbirdCore
import Logging
import Scheduling
import Tasks

/// Answers requests: finds the route, calls the service, and turns what comes back into a response.
struct APIResponder: HTTPResponder {
    let settings: APISettings
    let service: any VideoService
    let logger: Logger
    let links: VideoLinks?
    let cache: TaskBodyCache
    let uploadPlaces: UploadPlaces
    let healthBody: ByteBuffer

    init(
        settings: APISettings,
        service: any VideoService,
        version: String,
        clock: any ServiceClock,
        logger: Logger
    ) {
        self.settings = settings
        self.service = service
        self.logger = logger
        links = VideoLinks(settings, clock: clock)
        cache = TaskBodyCache(capacity: settings.cachedTaskBodies)
        uploadPlaces = UploadPlaces(settings.maxConcurrentUploads)
        healthBody = Self.healthBody(version: version)
    }

    /// Answers a request.
    ///
    /// Every failure is a response already, so that nothing is left for the library to invent.
    func respond(to request: Request, context: APIContext) async throws -> Response {
        let started = logger.logLevel <= .debug ? ContinuousClock.now : nil
        let id = RequestID(request.headers)
        let (path, query) = request.pathAndQuery
        let match = Route.matching(path)
        var response: Response
        do throws(Problem) {
            guard let match else { throw .routeNotFound }
            let call = Call(
                request: request,
                route: match.route,
                variable: match.variable,
                query: query,
                tenant: context.tenant,
                origin: try origin(of: request),
                id: id
            )
            response = try await answer(call)
        } catch {
            response = self.response(for: error, id)
        }
        if request.method == .head { response.dropBody() }
        if let started { log(request, match?.route, response, id, started) }
        return response
    }

    private func answer(_ call: Call) async throws(Problem) -> Response {
        switch (call.route, call.request.method) {
        case (.generate, .post): try await generate(call)
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
        case (.health, .get), (.health, .head): json(.ok, healthBody, call.id)
        case (.ready, .get), (.ready, .head): try showReadiness(call)
        case (.generate, _), (.tasks, _), (.task, _), (.preview, _), (.models, _), (.uploads, _), (.upload, _),
            (.video, _), (.variant, _), (.deliveries, _), (.redelivery, _), (.health, _), (.ready, _):
            throw .methodNotAllowed(call.route.methods)
        }
    }

    /// What stands in front of the paths in this response.
    private func origin(of request: Request) throws(Problem) -> String {
        guard let host = request.head.authority, request.headers[.host] == nil, host.isPlainAuthority else {
            throw .badHost
        }
        return settings.publicURL ?? "http://\(host)"
    }

    func json(_ status: HTTPResponse.Status, _ body: ByteBuffer, _ id: RequestID) -> Response {
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

    private func response(for problem: Problem, _ id: RequestID) -> Response {
        if problem.status.code == 500 || problem.cause != nil {
            logger.error(
                "A request failed inside the server",
                metadata: [
                    "request_id": "\(id)", "code": "\(problem.code)", "cause": "\(problem.cause ?? "unknown")",
                ]
            )
        }
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

/// One request on its route.
struct Call {
    let request: Request
    let route: Route
    /// The part of the path that differs: an id or a name.
    let variable: Substring
    let query: Substring
    let tenant: TenantID
    let origin: String
    let id: RequestID
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
    fileprivate mutating func dropBody() {
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
