import ArgumentParser
import Foundation

/// Speaks to a running server over its public API, as any client would.
struct APIClient: Sendable {
    /// What `animato generate` sends; what is `nil` is left to the server.
    struct Request: Encodable {
        var prompt: String
        var negativePrompt: String?
        var width: Int?
        var height: Int?
        var numFrames: Int?
        var numInferenceSteps: Int?
        var guidanceScale: Double?
        var fps: Int?
        var seed: Int?
        var model: String?
        var startImage: String?
        var endImage: String?
        var video: String?
        var controlVideo: String?
        var refImage: String?
        var strength: Double?
        var stepCache: String?
        var priority: String?
        var degrade: String?
        var minSteps: Int?
        var minFrames: Int?
        var minHeight: Int?
        var deterministic: Bool?
    }

    /// The part of an upload that a client needs.
    private struct Upload: Decodable {
        var id: String
    }

    /// The part of a task that a client needs.
    struct Task: Decodable, Equatable {
        struct Progress: Decodable, Equatable {
            var stage: String
            var step: Int
            var totalSteps: Int
        }

        struct Reason: Decodable, Equatable {
            var code: String
            var message: String
        }

        /// What less was made of, each as asked for and as made.
        struct Degradation: Decodable, Equatable {
            var reason: String
            var numInferenceSteps: [Int]?
            var numFrames: [Int]?
            var width: [Int]?
            var height: [Int]?
            var stepCache: [String]?
        }

        struct Size: Decodable, Equatable {
            var width: Int
            var height: Int
        }

        /// The part of a request that is shown.
        struct Wish: Decodable, Equatable {
            var prompt: String
            var width: Int
            var height: Int
            var numFrames: Int
        }

        var taskId: String
        var status: String
        var cached: Bool
        var priority: String?
        var model: String?
        var createdAt: String?
        var request: Wish?
        /// Whose it is; only administrators are told.
        var tenant: String?
        var progress: Progress?
        var videoUrl: String?
        var renderedSize: Size?
        var error: Reason?
        var waiting: Reason?
        /// 1 is next.
        var queuePosition: Int?
        var etaSeconds: Double?
        var degradation: Degradation?
    }

    /// The server's answer to a request that it did not carry out.
    struct Problem: Decodable {
        struct Violation: Decodable {
            var field: String
            var message: String
        }

        private enum CodingKeys: CodingKey {
            case title, code, detail, status, violations
        }

        var title: String
        var code: String
        var detail: String?
        var status: Int?
        var violations: [Violation]?
        /// The JSON object itself.
        var body = Data()

        /// Everything that is wrong, a line each.
        var text: String {
            ([detail ?? title] + (violations ?? []).map { "  \($0.field): \($0.message)" }).joined(separator: "\n")
        }
    }

    enum Failure: Error {
        /// Nobody answers there, or not as Animato does.
        case unreachable(String)
        case refused(Problem)

        /// Whether it may pass by itself.
        var isTemporary: Bool {
            switch self {
            case .unreachable: true
            case .refused(let problem): problem.status.map { $0 == 429 || $0 >= 500 } ?? false
            }
        }

        /// As the server would say it: a problem of RFC 9457.
        var json: String {
            switch self {
            case .refused(let problem): return String(decoding: problem.body, as: UTF8.self)
            case .unreachable(let reason):
                let members = ["code": "unreachable", "detail": reason, "title": "Unreachable", "type": "about:blank"]
                let options: JSONEncoder.OutputFormatting = [.sortedKeys, .withoutEscapingSlashes]
                let encoder = JSONEncoder()
                encoder.outputFormatting = options
                return (try? encoder.encode(members)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
            }
        }
    }

    let server: URL
    /// Shown with every request but those of signed addresses; `nil`: none is shown.
    var key: String?

    /// Carries requests out, and tells a person why if one fails.
    ///
    /// - Parameters:
    ///   - asJSON: whether the reason is also a problem of RFC 9457 on standard output.
    ///   - requests: what is asked of the server.
    /// - Returns: what came of it.
    /// - Throws: the exit code once the reason was printed; whatever else `requests` throws.
    static func orExit<Value>(
        asJSON: Bool = false,
        _ requests: () async throws -> Value
    ) async throws -> Value {
        do {
            return try await requests()
        } catch let failure as Failure {
            // A request that was on its way fails as if nobody had answered.
            if failure.isTemporary { try _Concurrency.Task.checkCancellation() }
            if asJSON { Terminal.write(failure.json + "\n") }
            throw failure.exitCode
        }
    }

    /// Waits until the server answers at all.
    func waitUntilLive(for limit: Duration) async throws(Failure) {
        let deadline = ContinuousClock.now + limit
        while true {
            do throws(Failure) {
                _ = try await send("GET", "healthz")
                return
            } catch {
                guard ContinuousClock.now < deadline, !_Concurrency.Task.isCancelled else { throw error }
                await pause(.milliseconds(100))
            }
        }
    }

    /// Submits a request.
    ///
    /// While the engine has not yet described its model the server says to come again, and this does.
    func submit(_ request: Request, waitingFor limit: Duration) async throws(Failure) -> TaskAnswer {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        guard let body = try? encoder.encode(request) else { throw .unreachable("the request has no JSON form") }
        let deadline = ContinuousClock.now + limit
        while true {
            do throws(Failure) {
                return try answer(await send("POST", "api/v1/generate", body: body))
            } catch {
                guard case .refused(let problem) = error, problem.code == "engine_starting",
                    ContinuousClock.now < deadline, !_Concurrency.Task.isCancelled
                else { throw error }
                await pause(.milliseconds(200))
            }
        }
    }

    /// Uploads a file and gives its id.
    func upload(_ file: String) async throws(Failure) -> String {
        let data: Data
        do {
            data = try Data(contentsOf: URL(fileURLWithPath: file))
        } catch {
            throw .unreachable("cannot read \(file): \(error.localizedDescription)")
        }
        let body = try await send("POST", "api/v1/uploads", body: data, type: "application/octet-stream")
        guard let upload = try? JSONDecoder().decode(Upload.self, from: body) else {
            throw .unreachable("\(server.absoluteString) sent an upload that cannot be read")
        }
        return upload.id
    }

    func task(_ id: String) async throws(Failure) -> TaskAnswer {
        try answer(await send("GET", "api/v1/tasks/\(id)"))
    }

    func cancel(_ id: String) async throws(Failure) -> TaskAnswer {
        try answer(await send("DELETE", "api/v1/tasks/\(id)"))
    }

    private func answer(_ body: Data) throws(Failure) -> TaskAnswer {
        TaskAnswer(task: try decode(body), body: body)
    }

    /// Reads what the server sent.
    func decode<Value: Decodable>(_ data: Data, as _: Value.Type = Value.self) throws(Failure) -> Value {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        do {
            return try decoder.decode(Value.self, from: data)
        } catch {
            throw .unreachable("\(server.absoluteString) sent an answer that cannot be read: \(error)")
        }
    }

    /// What stands in front of a path and its query.
    func address(_ path: String, _ query: [URLQueryItem]) throws(Failure) -> URL {
        var components = URLComponents(
            url: server.appendingPathComponent(path),
            resolvingAgainstBaseURL: true
        )
        if !query.isEmpty { components?.queryItems = query }
        guard let url = components?.url else { throw .unreachable("\(server) is not an address") }
        return url
    }

    private func pause(_ duration: Duration) async {
        // A cancelled pause only makes the next look come sooner.
        try? await _Concurrency.Task.sleep(for: duration)
    }
}

extension APIClient.Failure {
    /// Prints the reason and returns the code to leave with.
    var exitCode: ExitCode {
        switch self {
        case .refused(let problem): Exit.because(Exit.failure, problem.text)
        case .unreachable(let reason): Exit.because(Exit.unavailable, reason)
        }
    }
}
