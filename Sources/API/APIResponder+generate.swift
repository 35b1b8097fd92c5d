import HTTPTypes
import Hummingbird
import HummingbirdCore
import NIOCore
import Scheduling
import Tasks

extension APIResponder {
    func generate(_ call: Call) async throws(Problem) -> Response {
        let idempotencyKey = try idempotencyKey(of: call.request)
        let waiting = try waiting(call)
        var admission = try await admission(call, files: .kept)
        admission.idempotencyKey = idempotencyKey
        admission.trace = call.trace.context
        var submission: Submission
        do { submission = try await service.submit(admission) } catch { throw Problem(error) }
        note(submission, call)
        if let waiting { submission.task = try await ended(submission.task, within: .seconds(waiting.seconds), call) }
        let task = wireForm(of: submission.task, call)
        var response = json(submission.status, task.encoded(), call.id)
        response.headers[.location] = call.origin + RoutePath.task(submission.task.id.description)
        if submission.disposition == .replayed { response.headers[.idempotencyReplayed] = "true" }
        if let waiting, waiting.isPreference { response.headers[.preferenceApplied] = "wait=\(waiting.seconds)" }
        return response
    }

    /// Reads what a client asks for.
    func admission(_ call: Call, files: RequestReading.FileHandling) async throws(Problem) -> AdmissionRequest {
        let body = try await call.request.jsonBody(limit: settings.maxBodyBytes)
        return try await RequestReading(settings: settings, service: service)
            .admission(Array(buffer: body), by: call.caller, origin: call.origin, files: files)
    }

    /// How long the client wants to wait for its video, with a place for that; `nil`: it polls.
    ///
    /// The place is taken first: once the task is accepted there is no refusing it.
    private func waiting(_ call: Call) throws(Problem) -> (seconds: Int, isPreference: Bool, StreamPlaces.Place)? {
        let wish: WaitWish
        do {
            wish = try WaitWish(
                call.query,
                preferences: call.request.headers[.prefer],
                limit: settings.maxWaitSeconds
            )
        } catch {
            throw Problem(error)
        }
        guard let seconds = wish.seconds, seconds > 0 else { return nil }
        guard let place = streamPlaces.take() else {
            guard wish.isPreference else { throw .streamsBusy }
            return nil
        }
        return (seconds, wish.isPreference, place)
    }

    /// The client's `Idempotency-Key`, if it sent one.
    func idempotencyKey(of request: Request) throws(Problem) -> String? {
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
        task.status.isTerminal ? .ok : .accepted
    }
}
