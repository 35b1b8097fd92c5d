import HTTPTypes
import Hummingbird
import HummingbirdCore
import NIOCore
import Scheduling
import Tasks

extension APIResponder {
    /// Takes a file in, part by part: none of it is held longer than it takes to write it.
    func takeUpload(_ call: Call) async throws(Problem) -> Response {
        let request = call.request
        try request.checkContentEncoding()
        let idempotencyKey = try idempotencyKey(of: request)
        var reader = try UploadReader(request.headers, settings: settings)
        guard !request.isAnnounced(over: settings.maxUploadBodyBytes) else {
            throw .uploadTooLarge(limit: settings.maxUploadBytes)
        }
        guard uploadPlaces.take() else { throw .uploadsBusy }
        defer { uploadPlaces.giveBack() }
        let sink: any UploadSink
        do { sink = try await service.newUpload(by: call.caller) } catch { throw Problem(error) }
        do throws(Problem) {
            try await request.readBody { part throws(Problem) in
                for bytes in try reader.take(Array(buffer: part)) {
                    do throws(AdmissionError) { try await sink.write(bytes) } catch { throw Problem(error) }
                }
            }
            try reader.finish()
        } catch {
            await sink.abandon()
            throw error
        }
        let upload: Upload
        do { upload = try await sink.finish(idempotencyKey: idempotencyKey) } catch { throw Problem(error) }
        var response = json(.created, Self.body(of: upload), call.id)
        response.headers[.location] = call.origin + RoutePath.upload(upload.media.id)
        return response
    }

    func showUpload(_ call: Call) async throws(Problem) -> Response {
        guard let id = MediaID(call.variable) else { throw .uploadNotFound }
        let upload: Upload?
        do { upload = try await service.upload(id, of: call.tenant) } catch { throw Problem(error) }
        guard let upload else { throw .uploadNotFound }
        return json(.ok, Self.body(of: upload), call.id)
    }

    func listUploads(_ call: Call) async throws(Problem) -> Response {
        let query: UploadListQuery
        do { query = try UploadListQuery(call.query, settings: settings) } catch { throw Problem(error) }
        let page: UploadPage
        do {
            page = try await service.uploads(
                matching: UploadQuery(tenant: call.tenant, before: query.before, limit: query.limit)
            )
        } catch {
            throw Problem(error)
        }
        var json = JSONWriter(capacity: 128 + 512 * page.uploads.count)
        json.object { json in
            json.key("next_cursor")
            json.optional(page.next) { json, next in json.string(next.description) }
            json.key("uploads")
            json.array { json in
                for upload in page.uploads { json.upload(upload) }
            }
        }
        return self.json(.ok, json.buffer, call.id)
    }

    func removeUpload(_ call: Call) async throws(Problem) -> Response {
        guard let id = MediaID(call.variable) else { throw .uploadNotFound }
        let wasThere: Bool
        do { wasThere = try await service.removeUpload(id, of: call.tenant) } catch { throw Problem(error) }
        guard wasThere else { throw .uploadNotFound }
        return Response(
            status: .noContent,
            headers: [.cacheControl: "no-store", .xContentTypeOptions: "nosniff", .requestID: call.id.description]
        )
    }

    private static func body(of upload: Upload) -> ByteBuffer {
        var json = JSONWriter(capacity: 512)
        json.upload(upload)
        return json.buffer
    }
}
