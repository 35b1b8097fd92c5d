import Crypto
import Foundation

/// Signs requests as AWS Signature Version 4 has it: "Authenticating Requests" in the Amazon S3 API reference.
struct S3Signature: Sendable {
    /// SHA-256 of no bytes.
    static let emptyHash = SHA256.hash(data: Data()).hexadecimal

    let credentials: S3Credentials
    let region: String
    /// `20130524T000000Z`.
    private let time: String

    init(credentials: S3Credentials, region: String, date: Date) {
        self.credentials = credentials
        self.region = region
        time = date.formatted(
            Date.ISO8601FormatStyle(dateSeparator: .omitted, timeSeparator: .omitted, timeZone: .gmt)
        )
    }

    /// The fields that make a request one of ours.
    ///
    /// - Parameters:
    ///   - method: in capitals.
    ///   - address: where it goes.
    ///   - query: names and values, not encoded.
    ///   - headers: further fields of the request, all signed; names in lower case.
    ///   - bodyHash: SHA-256 of the body in hexadecimal.
    /// - Returns: fields to add to `headers`; the client adds `host` itself.
    func headers(
        method: String,
        address: S3Address,
        query: [(String, String)] = [],
        headers: [(String, String)] = [],
        bodyHash: String
    ) -> [(String, String)] {
        let own = [("x-amz-content-sha256", bodyHash), ("x-amz-date", time)]
        let signed = (headers + own + [("host", address.host)]).sorted { $0.0 < $1.0 }
        let names = signed.map(\.0).joined(separator: ";")
        let fields = signed.map { "\($0.0):\($0.1.trimmingCharacters(in: .whitespaces))\n" }.joined()
        let signature = signature(
            of: [method, address.path, Self.canonical(query), fields, names, bodyHash]
        )
        let authorization =
            "AWS4-HMAC-SHA256 Credential=\(credentials.accessKey)/\(scope),SignedHeaders=\(names),Signature=\(signature)"
        return own + [("authorization", authorization)]
    }

    /// An address that anybody may `GET` for a while.
    ///
    /// - Parameters:
    ///   - address: of the object.
    ///   - seconds: how long it is good for.
    /// - Returns: the whole address.
    func presigned(_ address: S3Address, seconds: Int64) -> String {
        let query = Self.canonical([
            ("X-Amz-Algorithm", "AWS4-HMAC-SHA256"),
            ("X-Amz-Credential", "\(credentials.accessKey)/\(scope)"),
            ("X-Amz-Date", time),
            ("X-Amz-Expires", String(seconds)),
            ("X-Amz-SignedHeaders", "host"),
        ])
        let signature = signature(
            of: ["GET", address.path, query, "host:\(address.host)\n", "host", "UNSIGNED-PAYLOAD"]
        )
        return address.url(query: "\(query)&X-Amz-Signature=\(signature)")
    }

    /// Encoded and in order.
    static func canonical(_ query: [(String, String)]) -> String {
        query.map { (encoded($0.0), encoded($0.1)) }
            .sorted { $0 < $1 }
            .map { "\($0.0)=\($0.1)" }
            .joined(separator: "&")
    }

    /// Everything but letters, digits and `-._~` as `%` and two capital digits.
    static func encoded(_ text: String, keepingSlashes: Bool = false) -> String {
        var result: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                result.append(byte)
            case UInt8(ascii: "/") where keepingSlashes:
                result.append(byte)
            default:
                result.append(UInt8(ascii: "%"))
                result.append(contentsOf: [byte].hexadecimal.uppercased().utf8)
            }
        }
        return String(decoding: result, as: UTF8.self)
    }

    private var scope: String { "\(time.prefix(8))/\(region)/s3/aws4_request" }

    private func signature(of request: [String]) -> String {
        let hash = SHA256.hash(data: Data(request.joined(separator: "\n").utf8)).hexadecimal
        var key = Data("AWS4\(credentials.secretKey)".utf8)
        for part in [String(time.prefix(8)), region, "s3", "aws4_request"] { key = Self.code(part, key) }
        return Self.code("AWS4-HMAC-SHA256\n\(time)\n\(scope)\n\(hash)", key).hexadecimal
    }

    private static func code(_ text: String, _ key: Data) -> Data {
        Data(HMAC<SHA256>.authenticationCode(for: Data(text.utf8), using: SymmetricKey(data: key)))
    }
}
