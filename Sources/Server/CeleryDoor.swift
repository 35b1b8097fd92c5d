import API
import Celery
import Logging
import Tasks

/// Lets the tasks of Celery applications in through the door that other parts of the program have.
struct CeleryDoor: CelerySubmissions {
    let door: ProgramDoor
    let logger: Logger

    func submit(_ body: [UInt8], idempotencyKey: String) async -> CelerySubmission {
        do throws(DoorRefusal) {
            let task = try await door.submit(body, idempotencyKey: idempotencyKey)
            return .accepted(task.id, task.tenant)
        } catch {
            if error.status == 401 || error.status == 403 {
                logger.error("celery.key does not open this server", metadata: ["code": "\(error.code)"])
            }
            if let wait = error.retryAfter { return .later(code: error.code, after: wait) }
            return error.code == "idempotency_conflict"
                ? .conflict(CeleryException(error)) : .refused(CeleryException(error))
        }
    }

    func sight(of id: TaskID, _ tenant: TenantID) async throws(CeleryUnavailable) -> CelerySight? {
        do throws(DoorRefusal) {
            return try await door.task(id, of: tenant).map { CelerySight(task: $0.task, body: $0.body) }
        } catch {
            throw CeleryUnavailable(code: error.code)
        }
    }

    func changes(of id: TaskID) -> AsyncStream<Void> { door.changes(of: id) }

    func cancel(_ id: TaskID, of tenant: TenantID) async throws(CeleryUnavailable) {
        do throws(DoorRefusal) {
            try await door.cancel(id, of: tenant)
        } catch {
            throw CeleryUnavailable(code: error.code)
        }
    }
}

extension CeleryException {
    /// A refusal with everything that is wrong in its message, and each of it by itself.
    fileprivate init(_ refusal: DoorRefusal) {
        let reasons = refusal.violations.map(\.message).joined(separator: " ")
        self.init(
            "ValueError",
            reasons.isEmpty ? refusal.message : reasons,
            code: refusal.code,
            violations: refusal.violations.map { violation in
                [
                    "code": .string(violation.code.rawValue),
                    "field": .string(violation.field),
                    "message": .string(violation.message),
                ]
            }
        )
    }
}
