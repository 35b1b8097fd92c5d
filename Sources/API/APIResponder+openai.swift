import HTTPTypes
import Hummingbird
import HummingbirdCore
import NIOCore
import Results
import Scheduling
import Tasks

/// The videos API of OpenAI, over the same tasks.
extension APIResponder {
    func answerAsOpenAI(_ call: Call) async throws(Problem) -> Response {
        switch (call.route, call.request.method) {
        case (.openAIVideos, .post): try await createOpenAIVideo(call)
        case (.openAIVideos, .get), (.openAIVideos, .head): try await listOpenAIVideos(call)
        case (.openAIVideo, .get), (.openAIVideo, .head): openAIVideo(try await openAITask(call), call)
        case (.openAIVideo, .delete): try await removeOpenAIVideo(call)
        case (.openAIContent, .get), (.openAIContent, .head): try await sendOpenAIContent(call)
        case (.openAIRemix, .post): try await remixOpenAIVideo(call)
        case (.openAIModels, .get), (.openAIModels, .head): try listOpenAIModels(call)
        default: throw .methodNotAllowed(call.route.methods)
        }
    }

    /// The task that the path names.
    func openAITask(_ call: Call) async throws(Problem) -> GenerationTask {
        guard let id = OpenAIVideoID.task(call.variable) else { throw .openAIVideoNotFound }
        let task: GenerationTask?
        do { task = try await service.task(id, of: call.tenant) } catch { throw Problem(error) }
        guard let task else { throw .openAIVideoNotFound }
        return task
    }

    /// Shows a task, and says when it is worth while to ask again.
    func openAIVideo(_ task: GenerationTask, _ call: Call) -> Response {
        var json = JSONWriter(capacity: 1024)
        json.openAIVideo(task)
        var response = self.json(.ok, json.buffer, call.id)
        if !task.status.isTerminal {
            let wait = OpenAIPoll.milliseconds(eta: service.outlook(for: task).etaSeconds)
            response.headers[.openAIPollAfter] = String(wait)
        }
        return response
    }

    private func listOpenAIVideos(_ call: Call) async throws(Problem) -> Response {
        let query: OpenAIListQuery
        do { query = try OpenAIListQuery(call.query, settings: settings) } catch { throw Problem(error) }
        let page: TaskPage
        do {
            page = try await service.tasks(
                matching: TaskQuery(
                    tenant: call.tenant,
                    before: query.after,
                    limit: query.limit,
                    isAscending: query.isAscending
                )
            )
        } catch {
            throw Problem(error)
        }
        var json = JSONWriter(capacity: 128 + 768 * page.tasks.count)
        json.openAIVideos(page)
        return self.json(.ok, json.buffer, call.id)
    }

    /// Takes a task out of sight; one that has not ended is cancelled.
    private func removeOpenAIVideo(_ call: Call) async throws(Problem) -> Response {
        guard let id = OpenAIVideoID.task(call.variable) else { throw .openAIVideoNotFound }
        let outcome: CancelOutcome
        do { outcome = try await service.remove(id, of: call.tenant) } catch { throw Problem(error) }
        if case .notFound = outcome { throw .openAIVideoNotFound }
        var json = JSONWriter(capacity: 128)
        json.object { json in
            json.key("deleted")
            json.bool(true)
            json.key("id")
            json.string(OpenAIVideoID.text(id))
            json.key("object")
            json.string("video.deleted")
        }
        return self.json(.ok, json.buffer, call.id)
    }

    private func sendOpenAIContent(_ call: Call) async throws(Problem) -> Response {
        let query: OpenAIContentQuery
        do { query = try OpenAIContentQuery(call.query) } catch { throw Problem(error) }
        let task = try await openAITask(call)
        guard task.status == .succeeded, let name = task.generation.result.flatMap({ VideoName($0.video) }) else {
            throw .notCompleted(task.status)
        }
        let content: VideoContent?
        do {
            if let variant = query.variant.made {
                content = try await service.variant(variant, of: name)
            } else {
                content = try await service.video(name)
            }
        } catch {
            throw Problem(error)
        }
        guard let content else { throw .openAIVideoNotFound }
        let made = query.variant.made
        let file = SentFile(
            tag: made.map { "\(name)-\($0.rawValue)" } ?? name.hex,
            fileName: "\(OpenAIVideoID.text(task.id)).\(made?.rawValue ?? "mp4")",
            mediaType: made?.mediaType ?? "video/mp4"
        )
        var response = try send(content, as: file, call)
        // The address stays when the task is removed, so that whoever keeps the file asks each time.
        if response.status != .found { response.headers[.cacheControl] = "private, no-cache" }
        return response
    }

    private func listOpenAIModels(_ call: Call) throws(Problem) -> Response {
        let catalog: ModelCatalog
        do { catalog = try service.catalog() } catch { throw Problem(error) }
        var json = JSONWriter(capacity: 256 + 128 * catalog.models.count)
        json.openAIModels(catalog, aliases: settings.openAIModelAliases)
        return self.json(.ok, json.buffer, call.id)
    }
}

/// How long a client is asked to wait before it looks again.
enum OpenAIPoll {
    private static let usual = 1000.0
    private static let bounds = 250.0...10_000.0

    /// - Parameter eta: predicted seconds until the task ends; `nil`: nobody knows.
    /// - Returns: milliseconds: until then, but neither so often that it is a burden nor so seldom that nothing moves.
    static func milliseconds(eta: Double?) -> Int {
        let wanted = eta.map { $0 * 1000 } ?? usual
        guard wanted.isFinite else { return Int(usual) }
        return Int(min(max(wanted, bounds.lowerBound), bounds.upperBound))
    }
}
