import Hummingbird
import Scheduling

/// Answers requests: finds the route, calls the service, and turns what comes back into a response.
struct APIResponder: HTTPResponder {
    let settings: APISettings
    let service: any VideoService
    let version: String

    func respond(to request: Request, context: BasicRequestContext) async throws -> Response {
        Response(status: .notFound)
    }
}
