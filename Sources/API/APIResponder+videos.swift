import HTTPTypes
import Hummingbird
import HummingbirdCore
import NIOCore
import Results
import Scheduling

extension APIResponder {
    /// Sends a video or a part of it.
    ///
    /// Its name is the hash of its content, so that it never changes.
    func sendVideo(_ call: Call) async throws(Problem) -> Response {
        guard let name = VideoName(call.variable) else { throw .videoNotFound }
        let video: StoredVideo?
        do { video = try await service.video(name) } catch { throw Problem(error) }
        guard let video else { throw .videoNotFound }

        let tag = EntityTag(hash: name.hex)
        let headers = call.request.headers
        guard tag.isAllowed(byIfMatch: headers[.ifMatch]) else { throw .preconditionFailed }
        if tag.isNamed(byIfNoneMatch: headers[.ifNoneMatch]) {
            var response = Response(status: .notModified, headers: videoHeaders(tag, call.id))
            response.headers[.contentLength] = nil
            return response
        }

        // A range means something for GET alone.
        let isRangeAllowed = call.request.method == .get && tag.isAllowed(byIfRange: headers[.ifRange])
        switch ByteRange(isRangeAllowed ? headers[.range] : nil, length: video.bytes) {
        case .unsatisfiable:
            throw .rangeNotSatisfiable(length: video.bytes)
        case .whole:
            return try await send(0..<video.bytes, of: video, status: .ok, tag, call)
        case .part(let range):
            return try await send(range, of: video, status: .partialContent, tag, call)
        }
    }

    private func send(
        _ range: Range<Int64>,
        of video: StoredVideo,
        status: HTTPResponse.Status,
        _ tag: EntityTag,
        _ call: Call
    ) async throws(Problem) -> Response {
        var headers = videoHeaders(tag, call.id)
        headers[.contentType] = "video/mp4"
        headers[.contentDisposition] = "inline; filename=\"\(video.name).mp4\""
        headers[.contentLength] = String(range.upperBound - range.lowerBound)
        if status == .partialContent {
            headers[.contentRange] = "bytes \(range.lowerBound)-\(range.upperBound - 1)/\(video.bytes)"
        }
        if call.request.method == .head {
            return Response(status: status, headers: headers)
        }
        let file: VideoFile
        do { file = try await VideoFile.open(video) } catch { throw Problem(error) }
        let body = ResponseBody(contentLength: Int(range.upperBound - range.lowerBound)) { writer in
            var rest = range
            while !rest.isEmpty {
                let chunk = try await file.chunk(of: rest)
                rest = rest.lowerBound + Int64(chunk.readableBytes)..<rest.upperBound
                try await writer.write(chunk)
            }
            try await writer.finish(nil)
        }
        return Response(status: status, headers: headers, body: body)
    }

    private func videoHeaders(_ tag: EntityTag, _ id: RequestID) -> HTTPFields {
        [
            .acceptRanges: "bytes",
            .cacheControl: "public, max-age=31536000, immutable",
            .eTag: tag.text,
            .xContentTypeOptions: "nosniff",
            .requestID: id.description,
        ]
    }
}
