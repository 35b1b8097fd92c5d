import API
import Access
import ArgumentParser
import Foundation
import Logging
import Tasks

/// Whose keys: a running server's, or those in a data directory.
struct KeysTarget: ParsableArguments {
    @Option(help: "The address of a running server; left out: the data directory itself.")
    var server: String?

    @OptionGroup var key: KeyOption

    @Option(help: ArgumentHelp("A YAML file with settings.", valueName: "file"))
    var config: String?

    @Option(help: ArgumentHelp("Where the keys are kept (data.directory).", valueName: "directory"))
    var data: String?

    /// Has an order carried out.
    ///
    /// - Returns: the body of the answer.
    /// - Throws: the exit code once the reason was printed.
    func carryOut(_ order: KeyOrder) async throws -> Data {
        try await APIClient.orExit { () async throws in
            if let server {
                try await remotely(order, APIClient(address: server, key: key.value))
            } else {
                try await locally(order)
            }
        }
    }

    private func remotely(_ order: KeyOrder, _ client: APIClient) async throws -> Data {
        guard case .list = order else {
            return try await client.send(order.method, order.path, body: order.body)
        }
        return try await client.list("keys", at: order.path)
    }

    private func locally(_ order: KeyOrder) async throws -> Data {
        let configuration = try SettingOptions.read(
            flags: data.map { [(source: "--data", key: "data.directory", value: $0)] } ?? [],
            file: config
        )
        let logger = Logger(label: "animato") { StreamLogHandler.standardError(label: $0) }
        let directory: String
        let opened: OpenedStore
        do throws(ServerError) {
            directory = try Server.prepareDirectory(configuration.dataDirectory)
            opened = try await OpenedStore.open(configuration, in: directory, logger: logger)
        } catch {
            if case .dataDirectoryInUse(let path) = error {
                throw Exit.because(
                    Exit.unavailable,
                    "A server is running on \(path). Ask it: --server http://127.0.0.1:5000, with a key in ANIMATO_KEY."
                )
            }
            throw Exit.because(error.exitCode, error.message)
        }
        let (store, clock) = (opened.store, opened.clock)
        let ring = KeyRing(store: store, settings: configuration.access, clock: clock, logger: logger)
        let keys = KeyAdministration(store: store, ring: ring, settings: configuration.access, clock: clock)
        let audit = FileAuditLog(directory: directory, logger: logger)
        let outcome: Result<KeyDesk.Answer, KeyDesk.Refusal>
        do throws(KeyDesk.Refusal) {
            outcome = .success(try await KeyDesk(keys, clock: clock).carryOut(order))
        } catch {
            outcome = .failure(error)
        }
        try await opened.close()
        switch outcome {
        case .success(let answer):
            note(order, answer.key, "done", audit, clock)
            return answer.body
        case .failure(let refusal):
            let problem = try JSONDecoder().decode(APIClient.Problem.self, from: refusal.body)
            note(order, order.key, problem.code, audit, clock)
            throw APIClient.Failure.refused(problem)
        }
    }

    private func note(
        _ order: KeyOrder, _ key: KeyID?, _ outcome: String, _ audit: any AuditLog, _ clock: any ServiceClock
    ) {
        guard let action = order.auditAction else { return }
        audit.write(
            AuditEntry(
                time: clock.wallTime(),
                key: "none",
                action: action,
                target: key?.rawValue ?? "server",
                outcome: outcome,
                requestID: "none",
                // Whoever can write the files needs no key.
                peer: "command line"
            )
        )
    }
}

extension KeyOrder {
    fileprivate var method: String {
        switch self {
        case .create, .rotate: "POST"
        case .list, .show: "GET"
        case .edit: "PATCH"
        case .revoke: "DELETE"
        }
    }

    fileprivate var path: String {
        let keys = "api/v1/admin/keys"
        return switch self {
        case .create, .list: keys
        case .show(let id), .edit(let id, _), .revoke(let id): "\(keys)/\(id)"
        case .rotate(let id, _): "\(keys)/\(id)/rotate"
        }
    }

    fileprivate var body: Data? {
        switch self {
        case .create(let body, idempotencyKey: _), .edit(_, let body), .rotate(_, let body): body
        case .list, .show, .revoke: nil
        }
    }

    fileprivate var key: KeyID? {
        switch self {
        case .create, .list: nil
        case .show(let id), .edit(let id, _), .rotate(let id, _), .revoke(let id): id
        }
    }
}
