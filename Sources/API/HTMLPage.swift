import Crypto
import Foundation
import HTTPTypes
import HummingbirdCore
import NIOCore

/// A page that the server shows, with the rules under which a browser runs it.
///
/// Made once: what is written into the page itself is allowed by its hash, and nothing else that is not of this server.
struct HTMLPage: Sendable {
    let body: ByteBuffer
    /// For `Content-Security-Policy`.
    let policy: String

    /// - Parameters:
    ///   - html: whose `<script>` and `<style>` elements may be used; attributes with code in them may not.
    ///   - origin: where pictures and videos may come from as well; `nil`: from nowhere else.
    init(_ html: String, showingFrom origin: String? = nil) {
        let elsewhere = origin.map { " \($0)" } ?? ""
        body = ByteBuffer(string: html)
        policy = [
            "default-src 'none'",
            Self.directive("script-src", Self.contents(of: "script", in: html)),
            Self.directive("style-src", Self.contents(of: "style", in: html)),
            "img-src 'self' data: blob:\(elsewhere)",
            "media-src 'self' blob:\(elsewhere)",
            "font-src 'self'",
            "connect-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        ].joined(separator: "; ")
    }

    private static func directive(_ name: String, _ contents: [Substring]) -> String {
        let hashes = contents.map { "'sha256-\(Data(SHA256.hash(data: Data($0.utf8))).base64EncodedString())'" }
        return ([name, "'self'"] + hashes).joined(separator: " ")
    }

    /// What is between the tags of each element of a name, where there is something.
    private static func contents(of name: String, in html: String) -> [Substring] {
        var found: [Substring] = []
        var rest = html[...]
        while let start = rest.range(of: "<\(name)"), let open = rest[start.upperBound...].firstIndex(of: ">"),
            let end = rest[open...].range(of: "</\(name)>")
        {
            let content = rest[rest.index(after: open)..<end.lowerBound]
            if !content.isEmpty { found.append(content) }
            rest = rest[end.upperBound...]
        }
        return found
    }
}

extension APIResponder {
    /// Shows a page.
    func page(_ page: HTMLPage, _ id: RequestID) -> Response {
        Response(
            status: .ok,
            headers: [
                .contentType: "text/html; charset=utf-8",
                .cacheControl: "no-cache",
                .contentSecurityPolicy: page.policy,
                .referrerPolicy: "no-referrer",
                .frameOptions: "DENY",
                .xContentTypeOptions: "nosniff",
                .requestID: id.description,
            ],
            body: ResponseBody(byteBuffer: page.body)
        )
    }
}
