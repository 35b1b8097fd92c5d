import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix

/// How requests get to the server, and answers back.
///
/// Not by Foundation's `URLSession`: on Linux it ends the program where a task is cancelled as it ends by itself.
extension APIClient {
    /// One request.
    struct Call {
        var method = "GET"
        let url: URL
        var body: Data?
        var headers: [(String, String)] = []
        /// Signed addresses open by themselves; they may lead elsewhere, where the key is nobody's business.
        var showsKey = true
    }

    /// Of an answer that is read as a whole.
    private static let answerLimit = 64 << 20

    /// Its connections end with the program.
    private static let http: HTTPClient = {
        var configuration = HTTPClient.Configuration()
        // The server says something in every stream more often than that.
        configuration.timeout = HTTPClient.Configuration.Timeout(connect: .seconds(10), read: .seconds(60))
        // Whoever waits for a server asks again.
        configuration.connectionPool.retryConnectionEstablishment = false
        return HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }()

    /// Sends a request to a path, which is encoded as far as needed, and gives the body of its answer.
    func send(
        _ method: String,
        _ path: String,
        body: Data? = nil,
        type: String = "application/json"
    ) async throws(Failure) -> Data {
        let url = server.appendingPathComponent(path)
        return try await send(Call(method: method, url: url, body: body, headers: [("Content-Type", type)]))
    }

    /// Sends a request and gives the body of its answer.
    func send(_ call: Call) async throws(Failure) -> Data {
        try await body(of: await answer(to: call))
    }

    /// Downloads a video to a file; the file is complete or not there.
    func download(_ address: String, to file: URL) async throws(Failure) {
        guard let url = URL(string: address, relativeTo: server) else {
            throw .unreachable("not an address: \(address)")
        }
        let answer = try await answer(to: Call(url: url, showsKey: !address.contains("signature=")))
        let part = file.appendingPathExtension("\(UUID().uuidString).part")
        do {
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(),
                withIntermediateDirectories: true
            )
            try Data().write(to: part)
            let handle = try FileHandle(forWritingTo: part)
            defer { try? handle.close() }
            for try await piece in answer.body { try handle.write(contentsOf: Data(piece.readableBytesView)) }
            try handle.synchronize()
            guard rename(part.path, file.path) == 0 else { throw IOError(errnoCode: errno, reason: "rename") }
        } catch {
            try? FileManager.default.removeItem(at: part)
            throw .unreachable("\(file.path) is not written: \(Self.reason(error))")
        }
    }

    /// Tells what happens to a task from now on, until the server ends the stream, or does not give one at all.
    ///
    /// - Parameters:
    ///   - id: of the task.
    ///   - last: the id of the last event that was seen; `nil`: from the present on.
    ///   - tell: is called with each event.
    func events(of id: String, after last: String?, tell: (ServerSentEvent) -> Void) async {
        var headers = [("Accept", "text/event-stream")]
        if let last { headers.append(("Last-Event-ID", last)) }
        let url = server.appendingPathComponent("api/v1/tasks/\(id)/events")
        var reader = EventStreamReader()
        do {
            for try await piece in try await answer(to: Call(url: url, headers: headers)).body {
                for event in reader.read(piece.readableBytesView) { tell(event) }
            }
        } catch {
            // Whoever follows the task asks for it next, and hears why.
        }
    }

    // MARK: One answer

    /// The head of an answer of 2xx.
    private func answer(to call: Call) async throws(Failure) -> HTTPClientResponse {
        var request = HTTPClientRequest(url: call.url.absoluteString)
        request.method = HTTPMethod(rawValue: call.method)
        for (name, value) in call.headers { request.headers.add(name: name, value: value) }
        if call.showsKey, let key { request.headers.add(name: "Authorization", value: "Bearer \(key)") }
        if let body = call.body { request.body = .bytes(body) }
        let response: HTTPClientResponse
        do {
            response = try await Self.http.execute(request, deadline: .distantFuture)
        } catch {
            throw .unreachable("\(server.absoluteString) does not answer: \(Self.reason(error))")
        }
        guard (200..<300).contains(response.status.code) else {
            let body = try await body(of: response)
            guard var problem = try? JSONDecoder().decode(Problem.self, from: body) else {
                throw .unreachable("\(server.absoluteString) answered \(response.status.code), not as Animato does")
            }
            problem.body = body
            throw .refused(problem)
        }
        return response
    }

    private func body(of response: HTTPClientResponse) async throws(Failure) -> Data {
        do {
            return Data(try await response.body.collect(upTo: Self.answerLimit).readableBytesView)
        } catch {
            throw .unreachable("the answer of \(server.absoluteString) broke off: \(Self.reason(error))")
        }
    }

    /// What a person is told of an error below HTTP.
    private static func reason(_ error: any Error) -> String {
        switch error {
        case let error as NIOConnectionError:
            error.connectionErrors.first.map { reason($0.error) } ?? "there is no machine of that name"
        case let error as IOError: String(cString: strerror(error.errnoCode))
        case let error as HTTPClientError: error.shortDescription
        default: error.localizedDescription
        }
    }
}
