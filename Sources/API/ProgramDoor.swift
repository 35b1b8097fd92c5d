package import Access
import HTTPTypes
import NIOCore
package import Scheduling
package import Tasks

/// The door for other parts of this program that bring requests from elsewhere: the same reading, the same answers.
package struct ProgramDoor: Sendable {
    private let settings: APISettings
    private let service: any VideoService
    private let gate: Gate
    private let links: LinkSource
    private let bearer: String?
    private let origin: @Sendable () -> String

    /// - Parameters:
    ///   - settings: limits, and whose links the answers contain.
    ///   - service: what the door opens onto.
    ///   - gate: judges the key.
    ///   - bearer: the key that every request comes with.
    ///   - clock: wall time for links.
    ///   - origin: what stands in front of our paths in answers.
    package init(
        settings: APISettings,
        service: any VideoService,
        gate: Gate,
        bearer: String?,
        clock: any ServiceClock,
        origin: @escaping @Sendable () -> String
    ) {
        self.settings = settings
        self.service = service
        self.gate = gate
        self.bearer = bearer
        self.origin = origin
        links = LinkSource(settings, clock: clock) { gate.needsKeys }
    }

    /// Submits a request as `POST /api/v1/generate` would.
    ///
    /// - Parameters:
    ///   - body: the request in JSON.
    ///   - idempotencyKey: the same key with the same request is the same task.
    /// - Returns: the task; it outlives any crash.
    /// - Throws: why not.
    package func submit(_ body: [UInt8], idempotencyKey: String) async throws(DoorRefusal) -> GenerationTask {
        let caller: Caller
        do { caller = try await gate.admit(bearer: bearer, needing: .generate).caller } catch {
            // Requests need not suffer for a key that the operator has yet to give.
            throw DoorRefusal(Problem(error), settings, isAlwaysRetried: true)
        }
        do throws(Problem) {
            guard body.count <= settings.maxBodyBytes else { throw .bodyTooLarge(limit: settings.maxBodyBytes) }
            var admission = try await RequestReading(settings: settings, service: service)
                .admission(body, by: caller, origin: origin(), files: .kept)
            admission.idempotencyKey = idempotencyKey
            do { return try await service.submit(admission).task } catch { throw Problem(error) }
        } catch {
            throw DoorRefusal(error, settings)
        }
    }

    /// A task with its body as `GET /api/v1/tasks/{id}` answers it; `nil` if the tenant has none of that id.
    ///
    /// - Throws: if the store does not answer.
    package func task(
        _ id: TaskID,
        of tenant: TenantID
    ) async throws(DoorRefusal) -> (task: GenerationTask, body: [UInt8])? {
        let found: GenerationTask?
        do { found = try await service.task(id, of: tenant) } catch { throw DoorRefusal(Problem(error), settings) }
        guard let task = found else { return nil }
        let wire = TaskWire(
            task: task,
            origin: origin(),
            obstacle: task.status == .queued ? service.obstacles().first?.withoutInside : nil,
            outlook: task.status.isTerminal ? .none : service.outlook(for: task),
            links: links.current
        )
        return (task, Array(buffer: wire.encoded()))
    }

    /// Cancels a task, if it has not ended.
    ///
    /// - Throws: if the store does not answer.
    package func cancel(_ id: TaskID, of tenant: TenantID) async throws(DoorRefusal) {
        do { _ = try await service.cancel(id, of: tenant) } catch { throw DoorRefusal(Problem(error), settings) }
    }

    /// Signs that a task may have changed.
    package func changes(of id: TaskID) -> AsyncStream<Void> { service.changes(of: id) }
}

/// Why a door did not open.
package struct DoorRefusal: Error, Sendable, Equatable {
    /// Stable, snake_case.
    package var code: String
    /// For people.
    package var message: String
    package var violations: [Violation]
    /// The HTTP status that clients would get.
    package var status: Int
    /// When the same may be tried again; `nil`: it would be refused again.
    package var retryAfter: Duration?

    init(_ problem: Problem, _ settings: APISettings, isAlwaysRetried: Bool = false) {
        code = problem.code
        message = problem.detail
        violations = problem.violations
        status = problem.status.code
        if problem.isRetryable || isAlwaysRetried { retryAfter = problem.retryAfter ?? settings.retryAfter }
    }
}
