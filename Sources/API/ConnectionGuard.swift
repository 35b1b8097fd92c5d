import HTTPTypes
import NIOCore
import NIOHTTP1
import NIOHTTPTypes

/// Enforces, on each connection, what the server library leaves open.
///
/// - A body must be complete before a deadline, however steadily it dribbles.
/// - A client that does not read its response is cut off.
/// - A connection whose request was not read to its end is closed after the response, gently, so that the response
///   arrives.
/// - `Expect: 100-continue` is answered.
/// - Whoever makes a response that takes long can have itself told that the client is gone.
/// - What the HTTP parser refuses gets a problem for a body.
final class ConnectionGuard: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    /// How long a client may go on sending after a response that closes the connection.
    private static let linger = TimeAmount.seconds(2)

    private let settings: APISettings
    private let metrics: HTTPMetrics?
    /// Requests whose head has come and whose response has not ended.
    private var openRequests = 0
    /// The end of the last request has not come.
    private var isReading = false
    private var isResponding = false
    private var owesContinue = false
    /// For the body of the last request whose head has come.
    private var bodyDeadline: Duration
    private var closesAfterResponse = false
    private var isLingering = false
    private var sawTooLargeHead = false
    private var bodyTimer: Scheduled<Void>?
    private let stall: StallWatch
    private var lingerTimer: Scheduled<Void>?
    private var departures = DepartureWatch()

    init(settings: APISettings, metrics: HTTPMetrics?) {
        self.settings = settings
        self.metrics = metrics
        stall = StallWatch(idleTimeout: settings.idleTimeout)
        bodyDeadline = settings.bodyDeadline
    }

    func handlerAdded(context: ChannelHandlerContext) {
        metrics?.connectionOpened()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        metrics?.connectionClosed()
        stall.stop()
        for timer in [bodyTimer, lingerTimer] { timer?.cancel() }
    }

    // MARK: - Requests

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            openRequests += 1
            isReading = true
            note(head)
            if openRequests == 1 { sendContinueIfOwed(context) }
        case .body:
            break
        case .end:
            isReading = false
            owesContinue = false
            bodyTimer?.cancel()
            bodyTimer = nil
            if isLingering { context.close(promise: nil) }
        }
        context.fireChannelRead(data)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        startBodyTimerIfReading(context)
        context.fireChannelReadComplete()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if let error = error as? HTTPParserError {
            closesAfterResponse = true
            if error == .headerOverflow { sawTooLargeHead = true }
        }
        context.fireErrorCaught(error)
    }

    private func note(_ head: HTTPRequest) {
        let limits = settings.bodyLimits(head)
        bodyDeadline = limits.deadline
        if let connection = head.headerFields[.connection], connection.lowercased().contains("close") {
            closesAfterResponse = true
        }
        if let expectation = head.headerFields[.expect], expectation.lowercased() == "100-continue" {
            let announced = head.headerFields[.contentLength].flatMap { Int($0) } ?? 0
            owesContinue = announced <= limits.bytes
        }
    }

    private func sendContinueIfOwed(_ context: ChannelHandlerContext) {
        guard owesContinue, isReading else { return }
        owesContinue = false
        context.writeAndFlush(wrapOutboundOut(.head(HTTPResponse(status: .continue))), promise: nil)
    }

    /// The deadline counts from when the connection has nothing else to do than to read this body.
    private func startBodyTimerIfReading(_ context: ChannelHandlerContext) {
        guard isReading, openRequests == 1, bodyTimer == nil else { return }
        bodyTimer = context.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(bodyDeadline)) {
            self.bodyTimer = nil
            guard self.isReading, !self.isLingering else { return }
            self.closesAfterResponse = true
            if self.isResponding {
                context.close(promise: nil)
            } else {
                context.fireErrorCaught(BodyTimeout())
            }
        }
    }

    // MARK: - Responses

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(data) {
        case .head(let head):
            writeHead(context, head, promise)
        case .body:
            context.write(data, promise: promise)
        case .end:
            context.write(data, promise: promise)
            isResponding = false
            departures.forget()
            openRequests = max(0, openRequests - 1)
            if openRequests == 0, closesAfterResponse {
                context.flush()
                closeGently(context)
            } else {
                sendContinueIfOwed(context)
                startBodyTimerIfReading(context)
            }
        }
    }

    private func writeHead(_ context: ChannelHandlerContext, _ head: HTTPResponse, _ promise: EventLoopPromise<Void>?) {
        isResponding = true
        // The rest of the body is of no use to anybody.
        if isReading, openRequests == 1 { closesAfterResponse = true }
        var head = head
        guard head.headerFields[.requestID] != nil else { return writeProblem(context, head, promise) }
        if closesAfterResponse, openRequests <= 1 { head.headerFields[.connection] = "close" }
        context.write(wrapOutboundOut(.head(head)), promise: promise)
    }

    /// The library's own response, which has no body.
    private func writeProblem(
        _ context: ChannelHandlerContext,
        _ head: HTTPResponse,
        _ promise: EventLoopPromise<Void>?
    ) {
        let problem: Problem =
            if head.status.kind == .serverError {
                .internalError(cause: "The server library answered by itself")
            } else if sawTooLargeHead {
                .headersTooLarge
            } else {
                .badHTTP
            }
        metrics?.answered(nil, nil, problem.status.code, after: nil)
        let id = RequestID.made()
        let body = problem.body(id)
        var fields = problem.headers(id, retryAfter: settings.retryAfter)
        fields[.contentLength] = String(body.readableBytes)
        fields[.connection] = "close"
        closesAfterResponse = true
        context.write(wrapOutboundOut(.head(HTTPResponse(status: problem.status, headerFields: fields))), promise: nil)
        context.write(wrapOutboundOut(.body(body)), promise: promise)
    }

    /// Ends our half, and gives the client a moment to read the response: closing with unread bytes would take it away.
    private func closeGently(_ context: ChannelHandlerContext) {
        guard isReading || sawTooLargeHead else { return context.close(promise: nil) }
        isLingering = true
        context.close(mode: .output, promise: nil)
        lingerTimer = context.eventLoop.assumeIsolated().scheduleTask(in: Self.linger) {
            context.close(promise: nil)
        }
    }

    // MARK: - Clients that leave

    func triggerUserOutboundEvent(context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?) {
        guard let departure = event as? ClientDeparture else {
            return context.triggerUserOutboundEvent(event, promise: promise)
        }
        departures.add(departure)
        promise?.succeed()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .inputClosed = event as? ChannelEvent { departures.depart() }
        context.fireUserInboundEventTriggered(event)
    }

    func channelInactive(context: ChannelHandlerContext) {
        departures.depart()
        context.fireChannelInactive()
    }

    // MARK: - Clients that do not read

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        // As long as nothing can be written, nothing is.
        if context.channel.isWritable { stall.stop() } else { stall.start(context) }
        context.fireChannelWritabilityChanged()
    }
}
