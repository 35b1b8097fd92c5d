import HTTPTypes
import Results
import Scheduling
import Tasks

/// An error as clients see it: the one place where errors become HTTP.
///
/// RFC 9457.
struct Problem: Error, Equatable {
    var status: HTTPResponse.Status
    /// Stable, snake_case.
    var code: String
    /// For people.
    var detail: String
    var violations: [Violation] = []
    var obstacles: [Obstacle] = []
    /// The status of the task that the request is about.
    var taskStatus: WireStatus?
    /// Whether the same request may succeed later, so that `Retry-After` is sent.
    var isRetryable = false
    /// When it may; `nil`: after the usual time.
    var retryAfter: Duration?
    /// For `Allow`.
    var allowed: [HTTPRequest.Method] = []
    /// For `Content-Range`: the length of what the range was not in.
    var completeLength: Int64?
    /// For `WWW-Authenticate`.
    var challenge: String?
    /// Whether it tells of the server's inside, which is for those who run it.
    var showsInside = false
    /// For the log; never sent.
    var cause: String?

    init(_ status: HTTPResponse.Status, _ code: String, _ detail: String) {
        self.status = status
        self.code = code
        self.detail = detail
    }
}

// MARK: - What the rooms throw

extension Problem {
    init(_ error: AdmissionError) {
        switch error {
        case .modelUnknown(let obstacle):
            self.init(.serviceUnavailable, obstacle.code, obstacle.message)
            isRetryable = true
            showsInside = true
        case .refused(let code, let message, let retryAfter):
            self.init(.tooManyRequests, code, message)
            isRetryable = true
            self.retryAfter = retryAfter
        case .deviceUnknown:
            self = .deviceNotFound
        case .videoExpired:
            self.init(
                .gone,
                "video_expired",
                "The server has let this video go to make room. Send the request again to have it made anew."
            )
        case .variantUnavailable(let code):
            self = .variantUnavailable(code)
        case .uploadTooLarge(let limit):
            self = .uploadTooLarge(limit: limit)
        case .mediaRefused(let code, let message):
            self.init(.unprocessableContent, code, message)
        case .mediaUnavailable(let code):
            self = .mediaUnavailable(code)
        case .mediaFetch(let error):
            self.init(.unprocessableContent, error.code, error.message)
        case .store(let error):
            self.init(error)
        case .results(let error):
            self.init(error)
        }
    }

    init(_ error: TaskStoreError) {
        switch error {
        case .tenantLimit(.waitingTasks(let limit)):
            self.init(
                .tooManyRequests,
                error.code,
                "\(limit) of your tasks wait already, which is the limit of this key."
            )
        case .tenantLimit(.deviceSeconds(let limit, retryAfter: let wait)):
            self.init(
                .tooManyRequests,
                error.code,
                "With this video you would have more than \(Int(limit)) seconds of device time today."
            )
            retryAfter = wait
        case .tooManyKeys(let limit):
            self.init(.conflict, error.code, "There are \(limit) keys already, which is the limit; remove some.")
        case .queueFull(let limit):
            self.init(.tooManyRequests, error.code, "\(limit) videos wait already, which is the limit.")
        case .idempotencyConflict(let task):
            self.init(
                .conflict,
                error.code,
                task.map { "This Idempotency-Key was used for another request, that of task \($0). Choose a new key." }
                    ?? "This Idempotency-Key was used for another request or another file. Choose a new key."
            )
        case .uploadQuotaExceeded(let quota):
            self.init(
                .tooManyRequests,
                error.code,
                "With this file your uploads would have more than \(quota) bytes. Delete some, or wait until they expire."
            )
        case .notFound:
            self = .taskNotFound
        case .overloaded:
            self.init(.serviceUnavailable, error.code, "More requests are being stored than the storage takes.")
        case .unavailable(let reason):
            self.init(.serviceUnavailable, error.code, "The storage of tasks does not work at the moment.")
            cause = reason
        case .leaseLost:
            self = .internalError(cause: "The store answered a client's call with leaseLost")
        }
        isRetryable = error.isRetryable
    }

    init(_ error: ResultStoreError) {
        switch error {
        case .full:
            self.init(.serviceUnavailable, error.code, "There is no room left for videos.")
            isRetryable = true
        case .damaged:
            self.init(.gone, error.code, "The file of this video is damaged. Ask for it again to have it made anew.")
        case .unavailable(let reason):
            self.init(.serviceUnavailable, error.code, "The storage of videos does not work at the moment.")
            isRetryable = true
            cause = reason
        }
    }

    init(_ rejection: RequestRejection) {
        self = .invalid(rejection.violations)
    }

    init(_ malformed: MalformedJSON) {
        self.init(.badRequest, "malformed_json", "\(malformed.reason), at byte \(malformed.position).")
    }
}

// MARK: - What HTTP itself brings

extension Problem {
    static let taskNotFound = Problem(.notFound, "task_not_found", "There is no task of this id.")
    static let videoNotFound = Problem(.notFound, "video_not_found", "There is no video of this name.")
    static let deliveryNotFound = Problem(.notFound, "delivery_not_found", "There is no delivery of this id.")
    static let variantNotFound = Problem(
        .notFound,
        "variant_not_found",
        "Of a video there are \(VideoVariant.allCases.map(\.rawValue).joined(separator: ", "))."
    )
    static let deviceNotFound = Problem(.notFound, "device_not_found", "This server has no device of this id.")
    static let uploadNotFound = Problem(.notFound, "upload_not_found", "There is no upload of this id.")
    static let previewNotAvailable = Problem(
        .notFound,
        "preview_not_available",
        "There is no such task, or nothing to see of it: a preview is there while the task runs, after some steps."
    )
    static let noModel = Problem(.modelUnknown(Obstacle(code: "no_model", message: "No engine has a model.")))
    static let streamsBusy = Problem.passing("streams_busy", "As many clients wait for tasks as may. Poll instead.")
    static let uploadsBusy = Problem.passing("uploads_busy", "As many files are being uploaded as may be.")

    /// Some reasons pass by themselves, others need the operator, and a video that cannot be read stays so.
    static func variantUnavailable(_ code: String) -> Problem {
        switch code {
        case "video_unreadable", "video_too_large":
            return Problem(.unprocessableContent, code, "Nothing can be made from this video.")
        case "variant_unknown", "dependencies_missing":
            return Problem(.internalServerError, code, "The server's engine package cannot make this.")
        default:
            return .passing(code, "This cannot be made from the video at the moment.")
        }
    }

    static func mediaUnavailable(_ code: String) -> Problem {
        switch code {
        case "dependencies_missing":
            return Problem(.internalServerError, code, "The server's engine package cannot look into files.")
        default:
            return .passing(code, "The file cannot be looked into at the moment.")
        }
    }

    /// 503 with `Retry-After`.
    private static func passing(_ code: String, _ detail: String) -> Problem {
        var problem = Problem(.serviceUnavailable, code, detail)
        problem.isRetryable = true
        return problem
    }

    static let routeNotFound = Problem(.notFound, "route_not_found", "There is nothing at this path.")
    static let badHost = Problem(.badRequest, "bad_host", "A request must have exactly one valid Host.")
    static let badHTTP = Problem(.badRequest, "malformed_http", "This is not HTTP/1.1 as RFC 9112 has it.")
    static let brokenBody = Problem(.badRequest, "incomplete_body", "The body ended early or is not framed correctly.")
    static let slowBody = Problem(.requestTimeout, "body_timeout", "The body did not arrive in time.")
    static let preconditionFailed = Problem(
        .preconditionFailed,
        "precondition_failed",
        "If-Match names another version."
    )
    static let headersTooLarge = Problem(
        .requestHeaderFieldsTooLarge,
        "headers_too_large",
        "The header fields are too many or too long."
    )

    init(_ refusal: VideoLinks.Refusal) {
        switch refusal {
        case .missing:
            self.init(.forbidden, "video_link_required", "Take the address from the task: it carries a signature.")
        case .wrong:
            self.init(.forbidden, "video_link_invalid", "The signature does not belong to this address.")
        case .expired:
            self.init(
                .forbidden, "video_link_expired", "This address was good for a while only. Ask for the task again.")
        }
    }

    static func invalid(_ violations: [Violation]) -> Problem {
        let count = violations.count == 1 ? "1 thing is" : "\(violations.count) things are"
        var problem = Problem(.unprocessableContent, "invalid_request", "\(count) wrong with the request.")
        problem.violations = violations
        return problem
    }

    static func methodNotAllowed(_ allowed: [HTTPRequest.Method]) -> Problem {
        var problem = Problem(.methodNotAllowed, "method_not_allowed", "This path does not take this method.")
        problem.allowed = allowed
        return problem
    }

    static func bodyTooLarge(limit: Int) -> Problem {
        Problem(.contentTooLarge, "body_too_large", "The body must have at most \(limit) bytes.")
    }

    static func uploadTooLarge(limit: Int64) -> Problem {
        Problem(.contentTooLarge, "upload_too_large", "A file must have at most \(limit) bytes.")
    }

    static let emptyUpload = Problem(.unprocessableContent, "media_unreadable", "The file is empty.")

    init(_ fault: MultipartFault) {
        self.init(.badRequest, "malformed_multipart", fault.message)
    }

    static func unsupportedMediaType(_ detail: String) -> Problem {
        Problem(.unsupportedMediaType, "unsupported_media_type", detail)
    }

    static func alreadyEnded(_ status: WireStatus) -> Problem {
        var problem = Problem(.conflict, "task_already_ended", "The task has ended before; it is \(status.rawValue).")
        problem.taskStatus = status
        return problem
    }

    static func notReady(_ obstacles: [Obstacle]) -> Problem {
        var problem = Problem(.serviceUnavailable, "not_ready", "Videos cannot be made at the moment.")
        problem.obstacles = obstacles
        problem.isRetryable = true
        problem.showsInside = true
        return problem
    }

    static func rangeNotSatisfiable(length: Int64) -> Problem {
        var problem = Problem(.rangeNotSatisfiable, "range_not_satisfiable", "The video has \(length) bytes.")
        problem.completeLength = length
        return problem
    }

    /// Tells the client nothing but the id of the request, under which the log has the cause.
    static func internalError(cause: String) -> Problem {
        var problem = Problem(
            .internalServerError,
            "internal_error",
            "Something went wrong inside the server. Its log has the cause under the request_id."
        )
        problem.cause = cause
        return problem
    }
}
