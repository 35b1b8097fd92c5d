import HTTPTypes
import Hummingbird
import HummingbirdCore
import NIOCore

extension APIResponder {
    /// Shows what the API is: for programs, or as a page.
    func showDocumentation(_ call: Call) throws(Problem) -> Response {
        switch (call.route, call.request.method) {
        case (.openAPI, .get), (.openAPI, .head): openAPI(call)
        case (.documentation, .get), (.documentation, .head): page(Self.documentation, call.id)
        default: throw .methodNotAllowed(call.route.methods)
        }
    }

    private static let documentation = HTMLPage(DocumentationHTML.text)

    private func openAPI(_ call: Call) -> Response {
        let tag = OpenAPIDocument.tag(at: call.origin)
        var headers: HTTPFields = [
            .cacheControl: "public, max-age=60", .eTag: tag.text, .xContentTypeOptions: "nosniff",
            .requestID: call.id.description,
        ]
        if tag.isNamed(byIfNoneMatch: call.request.headers[.ifNoneMatch]) {
            return Response(status: .notModified, headers: headers)
        }
        headers[.contentType] = "application/json"
        let body = OpenAPIDocument.body(at: call.origin)
        return Response(status: .ok, headers: headers, body: ResponseBody(byteBuffer: body))
    }
}
