import Hummingbird
import HummingbirdCore
import NIOCore
import Scheduling
import Tasks

/// Tasks of every tenant, for administrators.
extension APIResponder {
    func listAnyTasks(_ call: Call) async throws(Problem) -> Response {
        let query: TaskListQuery
        do {
            query = try TaskListQuery(call.query, settings: settings, takesTenant: true)
        } catch {
            throw Problem(error)
        }
        let page: TaskPage
        do {
            page = try await service.tasks(
                matching: TaskQuery(
                    tenant: query.tenant,
                    status: query.status,
                    before: query.before,
                    limit: query.limit
                )
            )
        } catch {
            throw Problem(error)
        }
        return json(.ok, body(of: page) { wireForm(of: $0, call, showsOwner: true) }, call.id)
    }

    func showAnyTask(_ call: Call) async throws(Problem) -> Response {
        let (id, tenant) = try await owned(call)
        let task: GenerationTask?
        do { task = try await service.task(id, of: tenant) } catch { throw Problem(error) }
        guard let task else { throw .taskNotFound }
        return json(.ok, wireForm(of: task, call, showsOwner: true).encoded(), call.id)
    }

    func cancelAnyTask(_ call: Call) async throws(Problem) -> Response {
        let (id, tenant) = try await owned(call)
        let outcome: CancelOutcome
        do { outcome = try await service.cancel(id, of: tenant) } catch { throw Problem(error) }
        switch outcome {
        case .cancelled(let task, abandoned: _):
            return json(.ok, wireForm(of: task, call, showsOwner: true).encoded(), call.id)
        case .alreadyEnded(let task): throw .alreadyEnded(WireStatus(task.status))
        case .notFound: throw .taskNotFound
        }
    }

    /// Sets how urgent a task is, whatever its key's ceiling.
    func setPriorityOfAnyTask(_ call: Call) async throws(Problem) -> Response {
        let body = try await call.request.jsonBody(limit: settings.maxBodyBytes)
        let wire: PriorityWire
        do { wire = try PriorityWire(Array(buffer: body)) } catch { throw Problem(error) }
        let priority: TaskPriority
        do { priority = try wire.checked() } catch { throw Problem(error) }
        let (id, tenant) = try await owned(call)
        let task: GenerationTask?
        do { task = try await service.setPriority(priority, of: id, of: tenant) } catch { throw Problem(error) }
        guard let task else { throw .taskNotFound }
        return json(.ok, wireForm(of: task, call, showsOwner: true).encoded(), call.id)
    }

    /// The task that an address names, and whose it is.
    private func owned(_ call: Call) async throws(Problem) -> (TaskID, TenantID) {
        guard let id = TaskID(call.variable) else { throw .taskNotFound }
        let tenant: TenantID?
        do { tenant = try await service.owner(of: id) } catch { throw Problem(error) }
        guard let tenant else { throw .taskNotFound }
        return (id, tenant)
    }
}

/// The body of `PATCH /api/v1/admin/tasks/{task_id}`.
private struct PriorityWire {
    enum Field: String, CaseIterable {
        case priority
    }

    private var priority: TaskPriority?
    private var violations: [Violation] = []

    init(_ body: [UInt8]) throws(MalformedJSON) {
        var reader = FieldReader<Field>()
        try reader.read(body) { _, value, name throws(FieldFault) in
            if value != .null { priority = try value.word(name) }
        }
        violations = reader.violations
    }

    /// - Throws: every violation at once.
    func checked() throws(RequestRejection) -> TaskPriority {
        if let priority, violations.isEmpty { return priority }
        let isNamed = violations.contains { $0.field == "priority" } || priority != nil
        let missing = Violation(field: "priority", code: .required, message: "priority is required.")
        throw RequestRejection(violations: violations + (isNamed ? [] : [missing]))
    }
}
