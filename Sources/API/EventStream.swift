import Access
import HummingbirdCore
import NIOCore
import Scheduling
import Tasks

/// Tells one client what happens to one task, until that has ended, the client is gone or the server stops.
struct EventStream: Sendable {
    let id: TaskID
    let call: Call
    let responder: APIResponder
    let after: Int64?

    /// The client does not take what it is sent.
    struct ClientStalled: Error {}

    @concurrent
    func run(_ writer: inout any ResponseBodyWriter) async throws {
        try await writer.write(EventStreamText.retry)
        let outcome: Result<Void, any Error> = await responder.withSigns(of: id, over: call.channel) { signs in
            do {
                return .success(try await follow(signs, &writer))
            } catch {
                return .failure(error)
            }
        }
        try outcome.get()
        try await writer.finish(nil)
    }

    @concurrent
    private func follow(_ signs: AsyncStream<Void>, _ writer: inout any ResponseBodyWriter) async throws {
        let settings = responder.settings
        var feed = EventFeed(after: after)
        var pace = ReaderPace(patience: settings.idleTimeout)
        var heartbeat = Heartbeat(every: settings.heartbeat, lookedAtEvery: settings.streamInterval, from: .now)
        for await _ in signs {
            let unsent = try await call.channel.getOption(.bufferedWritableBytes).get()
            switch pace.judge(unsentBytes: unsent, at: .now) {
            case .keepsUp: break
            // It gets what is then the newest.
            case .isBehind: continue
            case .hasStalled:
                call.channel.close(promise: nil)
                throw ClientStalled()
            }
            guard let text = try await look(&feed) else { return }
            if text.readableBytes > 0 {
                try await writer.write(text)
                heartbeat.note(.now)
            } else if heartbeat.isDue(.now) {
                try await writer.write(EventStreamText.heartbeat)
                heartbeat.note(.now)
            }
            if feed.isOver { return }
        }
    }

    /// What is new; `nil` if there is no such task any more, or the client's key opens nothing any more.
    private func look(_ feed: inout EventFeed) async throws -> ByteBuffer? {
        let service = responder.service
        // Who comes again is told why.
        do { try responder.access.gate.check(call.holder, needing: call.scope) } catch { return nil }
        guard var task = try await service.task(id, of: call.tenant) else { return nil }
        var events: [TaskEvent] = []
        if feed.mayHaveEvents(task) {
            events = try await missed(after: feed.sequence)
            if let last = events.last, last.kind.status != task.status {
                guard let now = try await service.task(id, of: call.tenant) else { return nil }
                task = now
            }
        }
        let preview = task.status == .running ? try await service.previewVersion(of: task) : nil
        let wire = responder.wireForm(of: task, call)
        var text = EventStreamText()
        for event in feed.next(task, events: events, preview: preview) { text.add(event, of: wire) }
        return text.buffer
    }

    private func missed(after sequence: Int64) async throws -> [TaskEvent] {
        var events: [TaskEvent] = []
        while true {
            let page = try await responder.service.events(
                of: id,
                of: call.tenant,
                after: events.last?.sequence ?? sequence,
                limit: Self.pageSize
            )
            events += page
            guard page.count == Self.pageSize, events.count < Self.maxEvents else { return events }
        }
    }

    private static let pageSize = 200
    /// Of one look.
    ///
    /// A task that was put back into the queue more often than that has no reader for each time.
    private static let maxEvents = 10_000
}

/// Judges whether a client takes what it is sent.
struct ReaderPace {
    enum Judgement: Equatable {
        case keepsUp
        /// What was sent before is still here.
        case isBehind
        /// It has been behind for too long.
        case hasStalled
    }

    private let patience: Duration
    private var behindSince: ContinuousClock.Instant?

    init(patience: Duration) {
        self.patience = patience
    }

    mutating func judge(unsentBytes: Int, at now: ContinuousClock.Instant) -> Judgement {
        guard unsentBytes > 0 else {
            behindSince = nil
            return .keepsUp
        }
        let since = behindSince ?? now
        behindSince = since
        return now - since < patience ? .isBehind : .hasStalled
    }
}

/// When a stream on which nothing happens needs a sign of life.
struct Heartbeat {
    private let interval: Duration
    private var last: ContinuousClock.Instant

    /// - Parameters:
    ///   - interval: between two signs of life.
    ///   - step: how often that is looked at; a sign that would be due soon after a look comes then.
    ///   - now: when the stream begins.
    init(every interval: Duration, lookedAtEvery step: Duration, from now: ContinuousClock.Instant) {
        self.interval = interval - min(step, interval) / 2
        last = now
    }

    mutating func note(_ now: ContinuousClock.Instant) {
        last = now
    }

    func isDue(_ now: ContinuousClock.Instant) -> Bool {
        now - last >= interval
    }
}
