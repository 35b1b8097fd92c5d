import Redis

/// Whether the Redis of a deployment is there, and keeps what it is given.
struct StoreFindings {
    /// Since then a stream can be trimmed by what has been read (`XTRIM … MINID`).
    private static let leastVersion = (6, 2)
    private static let subject = "Redis"

    let configuration: ServerConfiguration

    /// One finding for each thing; none where there is no `store.url`.
    func findings() async -> [Finding] {
        guard let url = configuration.redis else { return [] }
        do {
            let settings = RedisSettings(url: url, authorities: configuration.redisTrustRoots, name: "doctor")
            let client = try RedisClient(settings, logger: Examination.quiet)
            do {
                try await client.connect()
                let reply = try await client.send(RedisCommand("INFO"))
                await client.close()
                return Self.findings(info: Self.fields(reply.text ?? ""), of: "\(url)")
            } catch {
                await client.close()
                throw error
            }
        } catch {
            return [Finding(.missing, Self.subject, "\(url): \(error). Start it, or set store.url.")]
        }
    }

    /// The fields of an answer to `INFO`.
    static func fields(_ text: String) -> [String: String] {
        let pairs = text.split(whereSeparator: \.isNewline).compactMap { line -> (String, String)? in
            guard !line.hasPrefix("#"), let colon = line.firstIndex(of: ":") else { return nil }
            return (String(line[..<colon]), String(line[line.index(after: colon)...]))
        }
        return Dictionary(pairs) { first, _ in first }
    }

    /// What those come to.
    static func findings(info: [String: String], of url: String) -> [Finding] {
        let version = info["redis_version"] ?? "of an unknown version"
        let numbers = version.split(separator: ".").compactMap { Int($0) }
        guard numbers.count < 2 || (numbers[0], numbers[1]) >= leastVersion else {
            let wanted = "\(leastVersion.0).\(leastVersion.1)"
            return [Finding(.missing, subject, "\(url) is \(version). Take \(wanted) or a newer one, or Valkey.")]
        }
        var findings = [Finding(.ok, subject, "\(version) at \(url)")]
        if info["aof_enabled"] == "0" {
            let text = "what was accepted is lost when it starts again. Set appendonly yes."
            findings.append(Finding(.warning, "\(subject) persistence", text))
        } else if let status = info["aof_last_write_status"], status != "ok" {
            let text = "its file cannot be written (\(status)), so that it refuses to write. Look at its disk."
            findings.append(Finding(.missing, "\(subject) persistence", text))
        }
        let (most, policy) = (info["maxmemory"].flatMap { Int64($0) } ?? 0, info["maxmemory_policy"] ?? "noeviction")
        if most > 0, policy != "noeviction" {
            let text = "with \(policy) it lets go of tasks when it is full. Set maxmemory-policy noeviction."
            findings.append(Finding(.warning, "\(subject) memory", text))
        }
        return findings
    }
}
