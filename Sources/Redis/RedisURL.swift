/// Where a Redis is and how one comes in: `redis://[[user]:password@]host[:port][/database]`, `rediss://…` with TLS.
///
/// Its description has no password.
package struct RedisURL: Sendable, Equatable, CustomStringConvertible {
    package var host: String
    package var port: Int
    package var user: String?
    package var password: String?
    package var database: Int
    package var usesTLS: Bool

    package init(
        host: String,
        port: Int = 6379,
        user: String? = nil,
        password: String? = nil,
        database: Int = 0,
        usesTLS: Bool = false
    ) {
        self.host = host
        self.port = port
        self.user = user
        self.password = password
        self.database = database
        self.usesTLS = usesTLS
    }

    /// Reads an address.
    ///
    /// - Throws: `RedisURLError`, in words for the one who wrote it, without anything of the user or the password.
    package init(_ text: String) throws(RedisURLError) {
        guard let schemeEnd = text.firstRange(of: "://") else {
            throw RedisURLError("must begin with redis:// or rediss://")
        }
        switch text[..<schemeEnd.lowerBound].lowercased() {
        case "redis": usesTLS = false
        case "rediss": usesTLS = true
        default: throw RedisURLError("must begin with redis:// or rediss://")
        }
        let rest = text[schemeEnd.upperBound...]
        guard !rest.contains("?"), !rest.contains("#") else {
            throw RedisURLError(
                "must not have anything after the database; ?, # and / in a password are %3F, %23 and %2F")
        }
        let end = rest.firstIndex(of: "/") ?? rest.endIndex
        var place = rest[..<end]
        if let at = place.lastIndex(of: "@") {
            (user, password) = try Self.credentials(place[..<at])
            place = place[place.index(after: at)...]
        }
        (host, port) = try Self.hostAndPort(place)
        database = try Self.database(rest[end...])
    }

    package var description: String {
        let place = host.contains(":") ? "[\(host)]" : host
        return "\(usesTLS ? "rediss" : "redis")://\(place):\(port)/\(database)"
    }

    private static func credentials(_ text: Substring) throws(RedisURLError) -> (String?, String?) {
        guard let colon = text.firstIndex(of: ":") else {
            throw RedisURLError("has a user without a password; a password alone is written :password@")
        }
        guard let user = decoded(text[..<colon]), let password = decoded(text[text.index(after: colon)...]) else {
            throw RedisURLError(
                "has a % in user or password that stands for no character; % itself is %25")
        }
        guard !password.isEmpty else { throw RedisURLError("has an empty password") }
        return (user.isEmpty ? nil : user, password)
    }

    private static func hostAndPort(_ text: Substring) throws(RedisURLError) -> (String, Int) {
        var host = text
        var after = Substring()
        if text.first == "[" {
            guard let end = text.firstIndex(of: "]") else { throw RedisURLError("has a [ without a ]") }
            host = text[text.index(after: text.startIndex)..<end]
            after = text[text.index(after: end)...]
        } else if let colon = text.firstIndex(of: ":") {
            host = text[..<colon]
            after = text[colon...]
        }
        guard !host.isEmpty else { throw RedisURLError("has no host") }
        guard host.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F }) else { throw RedisURLError("has a blank in its host") }
        guard !after.isEmpty else { return (String(host), 6379) }
        guard after.first == ":", let port = Int(after.dropFirst()), (1...65_535).contains(port) else {
            throw RedisURLError("has a port that is not a number from 1 to 65535")
        }
        return (String(host), port)
    }

    /// The number after the slash, if there is one.
    private static func database(_ text: Substring) throws(RedisURLError) -> Int {
        let digits = text.dropFirst()
        guard !digits.isEmpty else { return 0 }
        guard digits.utf8.allSatisfy({ (48...57).contains($0) }), let number = Int(digits), number <= 65_535 else {
            throw RedisURLError("has a database that is not a number")
        }
        return number
    }

    /// The text without its percent signs; `nil` if one of them stands for nothing.
    private static func decoded(_ text: Substring) -> String? {
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let high = rest.popFirst(), let low = rest.popFirst(),
                high != UInt8(ascii: "+"), high != UInt8(ascii: "-"),
                let value = UInt8(String(decoding: [high, low], as: UTF8.self), radix: 16)
            else { return nil }
            bytes.append(value)
        }
        return String(validating: bytes, as: UTF8.self)
    }
}

/// What is wrong with an address of a Redis.
package struct RedisURLError: Error, Sendable, Equatable, CustomStringConvertible {
    /// Goes on after the name of the setting.
    package var description: String

    init(_ description: String) {
        self.description = description
    }
}
