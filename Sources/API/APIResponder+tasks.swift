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
        let wire: VideoWire
        do { wire = try VideoWire(Array(buffer: body), callbacks: settings.callbacks) } catch { throw Problem(error) }
        let model: ModelDescription
        do { model = try service.model() } catch { throw Problem(error) }
        let video: VideoRequest
        do { video = try wire.request(for: model) } catch { throw Problem(error) }
        let submission: Submission
        do {
            submission = try await service.submit(
                AdmissionRequest(
                    tenant: call.tenant,
                    video: video,
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

    func showTask(_ call: Call) async throws(Problem) -> Response {
        guard let id = TaskID(call.variable) else { throw .taskNotFound }
        let task: GenerationTask?
        do { task = try await service.task(id, of: call.tenant) } catch { throw Problem(error) }
        guard let task else { throw .taskNotFound }
        return json(.ok, cache.body(for: wireForm(of: task, call)), call.id)
    }

    func listTasks(_ call: Call) async throws(Problem) -> Response {
        let query: TaskListQuery
        do { query = try TaskListQuery(call.query, settings: settings) } catch { throw Problem(error) }
        let page: TaskPage
        do {
            page = try await service.tasks(
                matching: TaskQuery(tenant: call.tenant, status: query.status, before: query.before, limit: query.limit)
            )
        } catch {
            throw Problem(error)
        }
        var json = JSONWriter(capacity: 128 + 1024 * page.tasks.count)
        json.object { json in
            json.key("next_cursor")
            if let next = page.next { json.string(next.description) } else { json.null() }
            json.key("tasks")
            json.array { json in
                for task in page.tasks { json.encoded(wireForm(of: task, call).encoded()) }
            }
        }
        return self.json(.ok, json.buffer, call.id)
    }

    func cancelTask(_ call: Call) async throws(Problem) -> Response {
        guard let id = TaskID(call.variable) else { throw .taskNotFound }
        let outcome: CancelOutcome
        do { outcome = try await service.cancel(id, of: call.tenant) } catch { throw Problem(error) }
        switch outcome {
        case .cancelled(let task, abandoned: _): return json(.ok, wireForm(of: task, call).encoded(), call.id)
        case .alreadyEnded(let task): throw .alreadyEnded(WireStatus(task.status))
        case .notFound: throw .taskNotFound
        }
    }

    private func wireForm(of task: GenerationTask, _ call: Call) -> TaskWire {
        TaskWire(
            task: task,
            origin: call.origin,
            obstacle: task.status == .queued ? service.obstacles().first : nil,
            links: links
        )
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
