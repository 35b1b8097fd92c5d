import Foundation

#if canImport(FoundationNetworking)
import FoundationNetworking
#endif

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

        struct Size: Decodable, Equatable {
            var width: Int
            var height: Int
        }

        var taskId: String
        var status: String
        var cached: Bool
        var progress: Progress?
        var videoUrl: String?
        var renderedSize: Size?
        var error: Reason?
        var waiting: Reason?
    }

    /// The server's answer to a request that it did not carry out.
    struct Problem: Decodable {
        struct Violation: Decodable {
            var field: String
            var message: String
        }

        var title: String
        var code: String
        var detail: String?
        var violations: [Violation]?

        /// Everything that is wrong, a line each.
        var text: String {
            ([detail ?? title] + (violations ?? []).map { "  \($0.field): \($0.message)" }).joined(separator: "\n")
        }
    }

    enum Failure: Error {
        /// Nobody answers there, or not as Animato does.
        case unreachable(String)
        case refused(Problem)
    }

    let server: URL

    /// Waits until the server answers at all.
    func waitUntilLive(for limit: Duration) async throws(Failure) {
        let deadline = ContinuousClock.now + limit
        while true {
            do throws(Failure) {
                _ = try await send("GET", "healthz")
                return
            } catch {
                guard ContinuousClock.now < deadline else { throw error }
                await pause(.milliseconds(100))
            }
        }
    }

    /// Submits a request.
    ///
    /// While the engine has not yet described its model the server says to come again, and this does.
    func submit(_ request: Request, waitingFor limit: Duration) async throws(Failure) -> Task {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        guard let body = try? encoder.encode(request) else { throw .unreachable("the request has no JSON form") }
        let deadline = ContinuousClock.now + limit
        while true {
            do throws(Failure) {
                return try decode(await send("POST", "api/v1/generate", body: body))
            } catch {
                guard case .refused(let problem) = error, problem.code == "engine_starting",
                    ContinuousClock.now < deadline
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

    func task(_ id: String) async throws(Failure) -> Task {
        try decode(await send("GET", "api/v1/tasks/\(id)"))
    }

    func cancel(_ id: String) async throws(Failure) -> Task {
        try decode(await send("DELETE", "api/v1/tasks/\(id)"))
    }

    /// Downloads a video to a file; the file is complete or not there.
    func download(_ address: String, to file: URL) async throws(Failure) {
        guard let url = URL(string: address, relativeTo: server) else {
            throw .unreachable("not an address: \(address)")
        }
        let data = try await send(URLRequest(url: url))
        do {
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(),
                withIntermediateDirectories: true
            )
            try data.write(to: file, options: .atomic)
        } catch {
            throw .unreachable("cannot write \(file.path): \(error.localizedDescription)")
        }
    }

    private func send(
        _ method: String,
        _ path: String,
        body: Data? = nil,
        type: String = "application/json"
    ) async throws(Failure) -> Data {
        var request = URLRequest(url: server.appendingPathComponent(path))
        request.httpMethod = method
        request.httpBody = body
        request.setValue(type, forHTTPHeaderField: "Content-Type")
        return try await send(request)
    }

    private func send(_ request: URLRequest) async throws(Failure) -> Data {
        let data: Data
        let response: URLResponse
        do {
            (data, response) = try await URLSession.shared.data(for: request)
        } catch {
            throw .unreachable("\(server.absoluteString) does not answer: \(error.localizedDescription)")
        }
        let status = (response as? HTTPURLResponse)?.statusCode ?? 0
        guard (200..<300).contains(status) else {
            let decoder = JSONDecoder()
            guard let problem = try? decoder.decode(Problem.self, from: data) else {
                throw .unreachable("\(server.absoluteString) answered \(status), not as Animato does")
            }
            throw .refused(problem)
        }
        return data
    }

    private func decode(_ data: Data) throws(Failure) -> Task {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        do {
            return try decoder.decode(Task.self, from: data)
        } catch {
            throw .unreachable("\(server.absoluteString) sent a task that cannot be read: \(error)")
        }
    }

    private func pause(_ duration: Duration) async {
        // A cancelled pause only makes the next look come sooner.
        try? await _Concurrency.Task.sleep(for: duration)
    }
}
