import Hummingbird
import HummingbirdCore
import NIOCore
import Scheduling
import Tasks

extension APIResponder {
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

    func wireForm(of task: GenerationTask, _ call: Call) -> TaskWire {
        TaskWire(
            task: task,
            origin: call.origin,
            obstacle: task.status == .queued ? service.obstacles().first : nil,
            links: links
        )
    }
}
