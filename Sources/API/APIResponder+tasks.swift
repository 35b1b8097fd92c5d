import Hummingbird
import HummingbirdCore
import NIOCore
import Scheduling
import Tasks

extension APIResponder {
    func showTask(_ call: Call) async throws(Problem) -> Response {
        guard let id = TaskID(call.variable) else { throw .taskNotFound }
        let wish: WaitWish
        do { wish = try WaitWish(call.query, limit: settings.maxWaitSeconds) } catch { throw Problem(error) }
        var task = try await knownTask(id, call)
        if let seconds = wish.seconds, seconds > 0, !task.status.isTerminal {
            guard let place = streamPlaces.take() else { throw .streamsBusy }
            defer { withExtendedLifetime(place) {} }
            task = try await ended(task, within: .seconds(seconds), call)
        }
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
        return json(.ok, body(of: page) { wireForm(of: $0, call) }, call.id)
    }

    func body(of page: TaskPage, _ wireForm: (GenerationTask) -> TaskWire) -> ByteBuffer {
        var json = JSONWriter(capacity: 128 + 1024 * page.tasks.count)
        json.object { json in
            json.key("next_cursor")
            if let next = page.next { json.string(next.description) } else { json.null() }
            json.key("tasks")
            json.array { json in
                for task in page.tasks { json.encoded(wireForm(task).encoded()) }
            }
        }
        return json.buffer
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

    /// What keeps the server from working, as far as a caller may know it.
    private func obstacle(for caller: Caller) -> Obstacle? {
        let obstacle = service.obstacles().first
        return caller.may(.admin) ? obstacle : obstacle?.withoutInside
    }

    /// A task as this caller sees it.
    ///
    /// - Parameters:
    ///   - task: what to show.
    ///   - call: who asks.
    ///   - showsOwner: whether it says whose it is.
    /// - Returns: what is encoded.
    func wireForm(of task: GenerationTask, _ call: Call, showsOwner: Bool = false) -> TaskWire {
        TaskWire(
            task: task,
            origin: call.origin,
            obstacle: task.status == .queued ? obstacle(for: call.caller) : nil,
            outlook: task.status.isTerminal ? .none : service.outlook(for: task),
            links: links,
            showsOwner: showsOwner
        )
    }
}
