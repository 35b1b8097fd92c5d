import Foundation
import Synchronization

#if canImport(FoundationNetworking)
import FoundationNetworking
#endif

/// Following a task.
extension APIClient {
    /// Events that may wait for their reader; of more, the newest count.
    private static let eventLimit = 64

    /// What happens to a task from now on.
    ///
    /// - Parameters:
    ///   - id: of the task.
    ///   - last: the id of the last event that was seen; `nil`: from the present on.
    /// - Returns: a stream that ends when the server ends it, or does not give one at all. Whoever stops reading closes the
    ///   connection.
    func events(of id: String, after last: String?) -> AsyncStream<ServerSentEvent> {
        var request = URLRequest(url: server.appendingPathComponent("api/v1/tasks/\(id)/events"))
        request.setValue("text/event-stream", forHTTPHeaderField: "Accept")
        if let last { request.setValue(last, forHTTPHeaderField: "Last-Event-ID") }
        if let key { request.setValue("Bearer \(key)", forHTTPHeaderField: "Authorization") }
        let (events, continuation) = AsyncStream.makeStream(
            of: ServerSentEvent.self,
            bufferingPolicy: .bufferingNewest(Self.eventLimit)
        )
        let session = URLSession(
            configuration: .ephemeral,
            delegate: EventStreamDelegate(continuation),
            delegateQueue: nil
        )
        let task = session.dataTask(with: request)
        continuation.onTermination = { _ in session.invalidateAndCancel() }
        task.resume()
        return events
    }
}

/// Hands the events of one response on as they come.
private final class EventStreamDelegate: NSObject, URLSessionDataDelegate, Sendable {
    private let continuation: AsyncStream<ServerSentEvent>.Continuation
    private let reader = Mutex(EventStreamReader())

    init(_ continuation: AsyncStream<ServerSentEvent>.Continuation) {
        self.continuation = continuation
    }

    func urlSession(
        _ session: URLSession,
        dataTask: URLSessionDataTask,
        didReceive response: URLResponse,
        completionHandler: @escaping @Sendable (URLSession.ResponseDisposition) -> Void
    ) {
        completionHandler((response as? HTTPURLResponse)?.statusCode == 200 ? .allow : .cancel)
    }

    func urlSession(_ session: URLSession, dataTask: URLSessionDataTask, didReceive data: Data) {
        for event in reader.withLock({ $0.read(data) }) { continuation.yield(event) }
    }

    func urlSession(_ session: URLSession, task: URLSessionTask, didCompleteWithError error: (any Error)?) {
        continuation.finish()
    }
}
