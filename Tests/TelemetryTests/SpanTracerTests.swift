import Synchronization
import Tasks
import Testing
import Tracing

@testable import Telemetry

@Suite("Spans")
struct SpanTracerTests {
    /// Keeps what a tracer records.
    private final class Recorder: Sendable {
        private let kept = Mutex<[SpanRecord]>([])
        var spans: [SpanRecord] { kept.withLock { $0 } }

        func tracer(ratio: Double = 1) -> SpanTracer {
            SpanTracer(sampler: TraceSampler(ratio: ratio)) { span in self.kept.withLock { $0.append(span) } }
        }
    }

    private static let start = Timestamp(milliseconds: 1_000)
    private let parent = TraceContext(parent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", state: "a=1")
    private let unsampled = TraceContext(parent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00")

    @Test("A span under a context belongs to its trace, and is recorded when it ends")
    func child() throws {
        let recorder = Recorder()
        let span = recorder.tracer().begin("attempt", under: parent, ofKind: .client, at: SpanTime(Self.start))
        span.attributes["n"] = 1
        span.fail("out_of_memory")
        #expect(recorder.spans.isEmpty && span.isRecording)
        span.end(at: SpanTime(Self.start, after: .microseconds(1500)))
        span.attributes["late"] = 1
        span.end(at: SpanTime(Self.start, after: .seconds(9)))
        let record = try #require(recorder.spans.first)
        #expect(recorder.spans.count == 1 && !span.isRecording)
        #expect(record.context.traceID == parent?.traceID && record.parent == parent?.spanID)
        #expect(record.context == span.context.trace && record.context.state == "a=1")
        #expect((record.start, record.end) == (1_000_000_000, 1_001_500_000))
        #expect(record.status == SpanStatus(code: .error, message: "out_of_memory"))
        #expect(record.attributes.get("error.type") == .string("out_of_memory"))
        #expect(record.attributes.get("late") == nil)
    }

    @Test("Whoever began the trace has decided, and without a context nothing is made")
    func parentDecides() {
        let recorder = Recorder()
        let none = recorder.tracer().begin("a", under: nil, at: SpanTime(Self.start))
        let quiet = recorder.tracer().begin("b", under: unsampled, at: SpanTime(Self.start))
        let loud = recorder.tracer(ratio: 0).begin("c", under: parent, at: SpanTime(Self.start))
        #expect(!none.isRecording && none.context.trace == nil)
        #expect(!quiet.isRecording && quiet.context.trace?.traceID == unsampled?.traceID)
        #expect(quiet.context.trace?.isSampled == false && quiet.context.trace?.spanID != unsampled?.spanID)
        for span in [none, quiet, loud] { span.end(at: SpanTime(Self.start)) }
        #expect(recorder.spans.map(\.name) == ["c"])
    }

    @Test("Of traces that begin here a share is taken, by their names")
    func ratio() throws {
        let low = try #require(TraceContext.TraceID(high: 1, low: 0xFF00_0000_0000_0001))
        let high = try #require(TraceContext.TraceID(high: 1, low: 0x00FF_FFFF_FFFF_FFFF))
        #expect(!TraceSampler(ratio: 0).isSampled(low) && TraceSampler(ratio: 1).isSampled(high))
        #expect(TraceSampler(ratio: 0.5).isSampled(low) && !TraceSampler(ratio: 0.5).isSampled(high))
        let sampled = (0..<10_000).filter { _ in TraceSampler(ratio: 0.25).context(under: nil).isSampled }
        #expect((2200...2800).contains(sampled.count))
    }

    @Test("Links and events are bounded")
    func bounds() throws {
        let recorder = Recorder()
        let span = recorder.tracer().begin("a", under: parent, at: SpanTime(Self.start))
        let other = try #require(unsampled)
        for _ in 0..<100 {
            span.link(to: other, as: "joined")
            span.addEvent(SpanEvent(name: "e", at: SpanTime(Self.start)))
        }
        span.end(at: SpanTime(Timestamp(milliseconds: 0)))
        let record = try #require(recorder.spans.first)
        #expect(record.links.count == 32 && record.events.count == 32)
        #expect(record.end == record.start)
    }

    @Test("A queue takes so many and counts what it drops")
    func queue() {
        let recorder = Recorder()
        recorder.tracer().begin("a", under: parent, at: SpanTime(Self.start)).end(at: SpanTime(Self.start))
        let queue = SpanQueue(limit: 5, threshold: 3)
        for span in recorder.spans { for _ in 0..<7 { queue.add(span) } }
        #expect(queue.takeDropped() == 2 && queue.takeDropped() == 0)
        #expect(queue.take().count == 3 && queue.take().count == 2 && queue.take().isEmpty)
        queue.drop(4)
        #expect(queue.takeDropped() == 4)
    }
}
