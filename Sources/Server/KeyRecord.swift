import Foundation

/// A key as the API shows it.
struct KeyRecord: Decodable {
    struct Limits: Decodable {
        var requestsPerSecond: Double?
        var burst: Int?
        var waitingTasks: Int?
        var runningTasks: Int?
        var deviceSecondsPerDay: Double?
        var storageBytes: Int64?

        /// Those there are, by their names.
        var values: [String: Double] {
            [
                "requests_per_second": requestsPerSecond, "burst": burst.map(Double.init),
                "waiting_tasks": waitingTasks.map(Double.init), "running_tasks": runningTasks.map(Double.init),
                "device_seconds_per_day": deviceSecondsPerDay, "storage_bytes": storageBytes.map(Double.init),
            ].compactMapValues { $0 }
        }
    }

    var keyId: String
    var name: String
    var tenant: String
    var scopes: [String]
    var maxPriority: String
    var weight: Double
    var limits: Limits
    var status: String
    var createdAt: String
    var expiresAt: String?
    var revokedAt: String?
    var previousSecretEndsAt: String?
    var hasCallbackSecret: Bool
    /// Shown once.
    var key: String?
    /// Shown once.
    var callbackSecret: String?

    /// - Throws: the exit code, once it was printed that this is no key.
    init(_ body: Data) throws {
        self = try Self.decoded(body)
    }

    /// The keys of a list.
    ///
    /// - Throws: the exit code, once it was printed that this is no list.
    static func list(_ body: Data) throws -> [KeyRecord] {
        struct List: Decodable {
            var keys: [KeyRecord]
        }
        return try decoded(body, as: List.self).keys
    }

    private static func decoded<Value: Decodable>(_ body: Data, as _: Value.Type = Value.self) throws -> Value {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        do {
            return try decoder.decode(Value.self, from: body)
        } catch {
            throw Exit.because(Exit.unavailable, "The answer cannot be read: \(error)")
        }
    }
}

/// Prints keys, for people or as JSON.
struct KeyPrinter {
    private let isJSON: Bool

    init(_ isJSON: Bool) {
        self.isJSON = isJSON
    }

    /// What is shown once: a line each, and nothing else, on standard output.
    func printIssued(_ body: Data) throws {
        let record = try KeyRecord(body)
        if isJSON {
            printJSON(body)
        } else {
            for line in [record.key, record.callbackSecret].compactMap({ $0 }) { print(line) }
        }
        let hint = """
            Key \(record.keyId) (\(record.name)) of tenant \(record.tenant): \(record.scopes.joined(separator: ", ")). \
            It is not shown again: keep it where secrets are kept.

            """
        FileHandle.standardError.write(Data(hint.utf8))
    }

    func printList(_ body: Data) throws {
        guard !isJSON else { return printJSON(body) }
        let rows = try KeyRecord.list(body).map { record in
            [
                record.keyId, record.name, record.tenant, record.scopes.joined(separator: ","), record.status,
                record.expiresAt ?? "never",
            ]
        }
        let headings = ["KEY", "NAME", "TENANT", "SCOPES", "STATUS", "EXPIRES"]
        for line in FleetTable.aligned([headings] + rows) { print(line) }
    }

    func printKey(_ body: Data) throws {
        guard !isJSON else { return printJSON(body) }
        let record = try KeyRecord(body)
        let limits = record.limits.values.sorted { $0.key < $1.key }.map { [$0.key, String(format: "%g", $0.value)] }
        let rows = [
            ["key", record.keyId], ["name", record.name], ["tenant", record.tenant], ["status", record.status],
            ["scopes", record.scopes.joined(separator: ", ")], ["max_priority", record.maxPriority],
            ["weight", String(format: "%g", record.weight)], ["created", record.createdAt],
            ["expires", record.expiresAt ?? "never"], ["revoked", record.revokedAt ?? "no"],
            ["previous secret ends", record.previousSecretEndsAt ?? "-"],
            ["own callback secret", record.hasCallbackSecret ? "yes" : "no"],
        ]
        for line in FleetTable.aligned(rows + limits) { print(line) }
    }

    private func printJSON(_ body: Data) {
        print(String(decoding: body, as: UTF8.self))
    }
}
