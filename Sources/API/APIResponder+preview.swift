import HTTPTypes
import Hummingbird
import HummingbirdCore
import NIOCore
import Scheduling
import Tasks

extension APIResponder {
    /// Sends what a running task's video looks like so far.
    func sendPreview(_ call: Call) async throws(Problem) -> Response {
        guard let id = TaskID(call.variable) else { throw .previewNotAvailable }
        let preview: Preview?
        do { preview = try await service.preview(of: id, of: call.tenant) } catch { throw Problem(error) }
        guard let preview else { throw .previewNotAvailable }
        let tag = EntityTag(String(preview.version))
        var headers: HTTPFields = [
            // It may be kept, but is asked for again each time: that costs 304 where there is nothing new.
            .cacheControl: "no-cache", .eTag: tag.text, .xContentTypeOptions: "nosniff",
            .requestID: call.id.description,
        ]
        if tag.isNamed(byIfNoneMatch: call.request.headers[.ifNoneMatch]) {
            return Response(status: .notModified, headers: headers)
        }
        headers[.contentType] = "image/webp"
        return Response(status: .ok, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: preview.bytes)))
    }
}
