/// Where an S3-compatible service is, and how to be let in.
package struct S3Settings: Sendable, Equatable {
    package var endpoint: S3Endpoint
    package var region: String
    /// Must exist.
    package var bucket: String
    /// In front of every key, such as `animato/`.
    package var prefix: String
    package var credentials: S3Credentials
    /// Whether requests name the bucket in the path and not in the host.
    package var usesPathStyle: Bool
    /// How long an address that a client is sent to is good for; seven days at most.
    package var linkLifetime: Duration

    package init(
        endpoint: S3Endpoint,
        region: String = "us-east-1",
        bucket: String,
        prefix: String = "",
        credentials: S3Credentials,
        usesPathStyle: Bool = false,
        linkLifetime: Duration = .seconds(900)
    ) {
        self.endpoint = endpoint
        self.region = region
        self.bucket = bucket
        self.prefix = prefix
        self.credentials = credentials
        self.usesPathStyle = usesPathStyle
        self.linkLifetime = linkLifetime
    }

    /// Where the addresses lead that clients are sent to, as browsers spell it.
    package var origin: String {
        let root = address(of: "")
        return "\(root.scheme)://\(root.host)"
    }

    /// What a request for a key is sent to; for the bucket itself the key is empty.
    func address(of key: String) -> S3Address {
        let path = usesPathStyle ? "/\(bucket)/\(key)" : "/\(key)"
        return S3Address(
            scheme: endpoint.scheme,
            host: usesPathStyle ? endpoint.authority : "\(bucket).\(endpoint.authority)",
            path: S3Signature.encoded(path, keepingSlashes: true)
        )
    }
}

/// Scheme, host and perhaps port of a service.
package struct S3Endpoint: Sendable, Equatable {
    /// `https`, or `http` for a service on a trusted network.
    let scheme: String
    /// Host and, where it is not the scheme's own, port.
    let authority: String

    /// `nil` for anything but `http` or `https`, a host, and perhaps a port; one slash at the end is passed over.
    package init?(_ text: String) {
        let parts = text.split(separator: "://", maxSplits: 1)
        guard parts.count == 2, ["http", "https"].contains(parts[0].lowercased()) else { return nil }
        let authority = parts[1].hasSuffix("/") ? parts[1].dropLast() : parts[1]
        let names = authority.split(separator: ":", omittingEmptySubsequences: false)
        guard let host = names.first, !host.isEmpty, names.count <= 2,
            host.utf8.allSatisfy({ Self.isHostByte($0) })
        else { return nil }
        if names.count == 2 {
            guard let port = UInt16(names[1]), port > 0 else { return nil }
        }
        scheme = parts[0].lowercased()
        self.authority = authority.lowercased()
    }

    private static func isHostByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."):
            true
        default:
            false
        }
    }
}

/// What signs requests; never printed.
package struct S3Credentials: Sendable, Equatable, CustomStringConvertible, CustomReflectable {
    let accessKey: String
    let secretKey: String

    package init(accessKey: String, secretKey: String) {
        self.accessKey = accessKey
        self.secretKey = secretKey
    }

    package var description: String { "credentials" }
    package var customMirror: Mirror { Mirror(self, children: []) }
}

/// The parts of an address that are signed, and the scheme.
struct S3Address: Sendable, Equatable {
    let scheme: String
    let host: String
    /// Encoded.
    let path: String

    /// The address with a query that is encoded already.
    func url(query: String) -> String {
        "\(scheme)://\(host)\(path)\(query.isEmpty ? "" : "?")\(query)"
    }
}
