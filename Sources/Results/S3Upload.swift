import Foundation
import NIOHTTP1

/// Brings one file to an S3-compatible service: as a whole, or in parts if it is long.
///
/// The file is read while it is sent; each request carries the hash of what it sends, and the service refuses anything
/// else.
struct S3Upload: Sendable {
    /// The length of a part, and the most that is sent as a whole.
    static let partBytes: Int64 = 16 << 20
    /// Parts under way at a time.
    private static let parallel = 4

    let client: S3Client
    let file: VideoFile
    let key: String
    /// Stored with the object; names in lower case.
    let headers: [(String, String)]
    /// SHA-256 of each part, in order.
    let hashes: [String]

    func run() async throws(ResultStoreError) {
        guard hashes.count > 1 else {
            try await client.send(S3Request(method: .PUT, key: key, headers: headers, body: body(of: 0))).expectFound(
                "PUT")
            return
        }
        let begun = try await client.send(
            S3Request(method: .POST, key: key, query: [("uploads", "")], headers: headers)
        )
        guard let id = S3XML.text(of: "UploadId", in: begun.text) else {
            throw .unavailable("the S3 service does not begin an upload in parts")
        }
        do throws(ResultStoreError) {
            try await complete(id, try await parts(of: id))
        } catch {
            await abort(id)
            throw error
        }
    }

    /// Lets the service forget the parts, which cost room there.
    private func abort(_ id: String) async {
        // In a task of its own, because this one may be cancelled. If it fails, the bucket's rule for uploads that were
        // never completed is what is left.
        let request = S3Request(method: .DELETE, key: key, query: [("uploadId", id)])
        await Task { _ = try? await client.send(request) }.value
    }

    private func complete(_ id: String, _ tags: [String]) async throws(ResultStoreError) {
        let parts = tags.enumerated().map { index, tag in
            "<Part><PartNumber>\(index + 1)</PartNumber><ETag>\(S3XML.escaped(tag))</ETag></Part>"
        }
        let list = Data("<CompleteMultipartUpload>\(parts.joined())</CompleteMultipartUpload>".utf8)
        let answer = try await client.send(
            S3Request(method: .POST, key: key, query: [("uploadId", id)], body: S3Request.bytes(list))
        )
        // The answer begins before the work is done, so that an error may come with status 200.
        guard answer.isFound, S3XML.text(of: "Code", in: answer.text) == nil else {
            throw .unavailable("the S3 service does not complete an upload in parts")
        }
    }

    /// Sends all parts, a few at a time.
    ///
    /// - Returns: what the service calls them, in order.
    private func parts(of id: String) async throws(ResultStoreError) -> [String] {
        let outcome = await withTaskGroup(
            of: (Int, Result<String, ResultStoreError>).self,
            returning: Result<[String], ResultStoreError>.self
        ) { group in
            var tags = hashes.map { _ in "" }
            var next = 0
            func begin() {
                guard next < hashes.count else { return }
                group.addTask { [next] in (next, await sent(part: next, of: id)) }
                next += 1
            }
            for _ in 0..<Self.parallel { begin() }
            for await (index, result) in group {
                switch result {
                case .success(let tag): tags[index] = tag
                case .failure(let error):
                    group.cancelAll()
                    return .failure(error)
                }
                begin()
            }
            return .success(tags)
        }
        return try outcome.get()
    }

    private func sent(part index: Int, of id: String) async -> Result<String, ResultStoreError> {
        do throws(ResultStoreError) {
            let query = [("partNumber", String(index + 1)), ("uploadId", id)]
            let answer = try await client.send(S3Request(method: .PUT, key: key, query: query, body: body(of: index)))
            guard let tag = answer.headers.first(name: "etag") else {
                throw .unavailable("the S3 service does not take a part of an upload")
            }
            return .success(tag)
        } catch {
            return .failure(error)
        }
    }

    private func body(of index: Int) -> S3Request.Body {
        guard file.bytes > 0 else { return S3Request.bytes(Data()) }
        let start = Int64(index) * Self.partBytes
        return .file(file, start..<min(start + Self.partBytes, file.bytes), sha256: hashes[index])
    }
}

extension S3Client.Answer {
    /// What must be there is there.
    func expectFound(_ method: String) throws(ResultStoreError) {
        guard isFound else { throw .unavailable("the S3 service answers \(status) to \(method)") }
    }
}
