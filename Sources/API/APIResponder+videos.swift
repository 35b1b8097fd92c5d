import Access
import HTTPTypes
import Hummingbird
import HummingbirdCore
import NIOCore
import Results
import Scheduling
import Tasks

extension APIResponder {
    /// Sends a video or a part of it.
    ///
    /// Its name is the hash of its content, so that it never changes.
    func sendVideo(_ call: Call) async throws(Problem) -> Response {
        guard let name = VideoName(call.variable) else { throw .videoNotFound }
        try await checkAccess(call, name)
        let content: VideoContent?
        do { content = try await service.video(name) } catch { throw Problem(error) }
        guard let content else { throw .videoNotFound }
        return try send(content, as: SentFile(tag: name.hex, fileName: "\(name).mp4", mediaType: "video/mp4"), call)
    }

    /// Sends something made from a video.
    func sendVariant(_ call: Call) async throws(Problem) -> Response {
        let parts = call.variable.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let name = VideoName(parts[0]) else { throw .videoNotFound }
        guard let variant = VideoVariant(rawValue: String(parts[1])) else { throw .variantNotFound }
        try await checkAccess(call, name)
        let content: VideoContent?
        do { content = try await service.variant(variant, of: name) } catch { throw Problem(error) }
        guard let content else { throw .videoNotFound }
        let file = SentFile(
            tag: "\(name)-\(variant.rawValue)",
            fileName: "\(name).\(variant.rawValue)",
            mediaType: variant.mediaType
        )
        return try send(content, as: file, call)
    }

    /// Whether a video may be seen: by its address, or because it is the caller's own.
    private func checkAccess(_ call: Call, _ name: VideoName) async throws(Problem) {
        guard access.gate.needsKeys, !call.hasLink else {
            guard let links else { return }
            do { return try links.check(call.query, for: name.hex) } catch { throw Problem(error) }
        }
        if call.caller.may(.admin) { return }
        let isOwn: Bool
        do { isOwn = try await service.owns(call.tenant, video: name) } catch { throw Problem(error) }
        guard isOwn else { throw .videoNotFound }
    }

    /// Sends a file or a part of it, as the conditions of the request have it.
    func send(_ content: VideoContent, as file: SentFile, _ call: Call) throws(Problem) -> Response {
        let headers = call.request.headers
        guard file.tag.isAllowed(byIfMatch: headers[.ifMatch]) else { throw .preconditionFailed }
        if file.tag.isNamed(byIfNoneMatch: headers[.ifNoneMatch]) {
            return Response(status: .notModified, headers: fileHeaders(file, call.id))
        }
        // An address elsewhere is good for GET alone, and answers ranges itself.
        if case .elsewhere(let url, _) = content, call.request.method == .get {
            return Response(
                status: .found,
                headers: [
                    .location: url, .cacheControl: "private, no-store", .xContentTypeOptions: "nosniff",
                    .requestID: call.id.description,
                ]
            )
        }
        // A range means something for GET alone.
        let isRangeAllowed = call.request.method == .get && file.tag.isAllowed(byIfRange: headers[.ifRange])
        switch ByteRange(isRangeAllowed ? headers[.range] : nil, length: content.bytes) {
        case .unsatisfiable: throw .rangeNotSatisfiable(length: content.bytes)
        case .whole: return send(0..<content.bytes, of: content, as: file, status: .ok, call)
        case .part(let range): return send(range, of: content, as: file, status: .partialContent, call)
        }
    }

    private func send(
        _ range: Range<Int64>,
        of content: VideoContent,
        as file: SentFile,
        status: HTTPResponse.Status,
        _ call: Call
    ) -> Response {
        var headers = fileHeaders(file, call.id)
        let disposition = call.query.split(separator: "&").contains("download=1") ? "attachment" : "inline"
        headers[.contentType] = file.mediaType
        headers[.contentDisposition] = "\(disposition); filename=\"\(file.fileName)\""
        headers[.contentLength] = String(range.upperBound - range.lowerBound)
        if status == .partialContent {
            headers[.contentRange] = "bytes \(range.lowerBound)-\(range.upperBound - 1)/\(content.bytes)"
        }
        guard call.request.method == .get else { return Response(status: status, headers: headers) }
        return Response(status: status, headers: headers, body: body(range, of: content, over: call.channel))
    }

    private func body(
        _ range: Range<Int64>,
        of content: VideoContent,
        over channel: any Channel
    ) -> ResponseBody {
        switch content {
        case .memory(let buffer):
            // A slice shares the bytes: nothing is copied, however many clients there are.
            let start = buffer.readerIndex + Int(range.lowerBound)
            return ResponseBody(byteBuffer: buffer.getSlice(at: start, length: range.count) ?? ByteBuffer())
        case .file(let file): return ResponseBody(file, range, over: channel)
        case .elsewhere: return ResponseBody()
        }
    }

    private func fileHeaders(_ file: SentFile, _ id: RequestID) -> HTTPFields {
        [
            .acceptRanges: "bytes",
            // A signed address must not be answered by a cache that has not seen the signature end.
            .cacheControl: links == nil ? "public, max-age=31536000, immutable" : "private, max-age=3600",
            .eTag: file.tag.text,
            .xContentTypeOptions: "nosniff",
            .requestID: id.description,
        ]
    }
}

/// What a file is called and what it is.
struct SentFile {
    let tag: EntityTag
    let fileName: String
    let mediaType: String

    init(tag: String, fileName: String, mediaType: String) {
        self.tag = EntityTag(tag)
        self.fileName = fileName
        self.mediaType = mediaType
    }
}
