import HTTPTypes
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import Scheduling
import Tasks

extension APIResponder {
    /// Sends what happens to a task as it happens.
    func streamEvents(_ call: Call) async throws(Problem) -> Response {
        guard let id = TaskID(call.variable) else { throw .taskNotFound }
        let after: Int64?
        do { after = try LastEventID(call.request.headers, call.query).sequence } catch { throw Problem(error) }
        _ = try await knownTask(id, call)
        let headers: HTTPFields = [
            .contentType: "text/event-stream",
            .cacheControl: "no-store",
            .xContentTypeOptions: "nosniff",
            .requestID: call.id.description,
            // For nginx, which would keep events back until there are many.
            .accelBuffering: "no",
        ]
        guard call.request.method == .get else { return Response(status: .ok, headers: headers) }
        guard let place = streamPlaces.take() else { throw .streamsBusy }
        let stream = EventStream(id: id, call: call, responder: self, after: after)
        let logger = logger
        let body = ResponseBody { [place] writer in
            defer { withExtendedLifetime(place) {} }
            do {
                try await stream.run(&writer)
            } catch let error as AdmissionError {
                // The client comes again, and is told what is wrong.
                logger.error(
                    "A stream of events could not go on",
                    metadata: ["request_id": "\(call.id)", "code": "\(Problem(error).code)"]
                )
                throw error
            }
        }
        return Response(status: .ok, headers: headers, body: body)
    }
}

/// The last event that a client has seen of a task.
struct LastEventID: Equatable {
    private static let parameter = "last_event_id"

    /// `nil`: it has seen none.
    let sequence: Int64?

    /// Reads the header, or the parameter for clients that cannot set it.
    ///
    /// A client that connects again by itself sends its first address and the newest header.
    ///
    /// - Throws: every violation at once.
    init(_ headers: HTTPFields, _ query: Substring) throws(RequestRejection) {
        var parameters = QueryParameters(query, known: [Self.parameter])
        let inQuery = parameters.value(Self.parameter, Self.expected, Self.read)
        let header = headers[.lastEventID]
        if let header, Self.read(header) == nil {
            parameters.reject("Last-Event-ID", .notAllowed, "Last-Event-ID must be \(Self.expected).")
        }
        try parameters.check()
        sequence = header.flatMap(Self.read) ?? inQuery
    }

    private static let expected = "the id of an event"

    private static func read(_ text: String) -> Int64? {
        Int64(text).flatMap { $0 >= 0 ? $0 : nil }
    }
}
