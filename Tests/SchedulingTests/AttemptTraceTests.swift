import Engine
import Synchronization
import Tasks
import Telemetry
import TestSupport
import Testing
import Tracing

@testable import Scheduling

@Suite("Scheduling: traces")
struct AttemptTraceTests {
    private final class Recorder: Sendable {
        private let kept = Mutex<[SpanRecord]>([])
        var spans: [SpanRecord] { kept.withLock { $0 } }
        func named(_ name: String) -> [SpanRecord] { spans.filter { $0.name == name } }

        func waitForAttempts(_ count: Int) async throws {
            _ = try await eventually("\(count) attempts are over") { named("attempt").count == count ? true : nil }
        }

        var tracer: SpanTracer {
            SpanTracer(sampler: TraceSampler(ratio: 1)) { span in self.kept.withLock { $0.append(span) } }
        }
    }

    private static let trace = TraceContext(parent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")

    @Test("A task's trace has its wait, its attempts with what the engine did, and the keeping of its video")
    func tree() async throws {
        let recorder = Recorder()
        let engine = ScriptedEngine()
        try await SchedulerWorld.with([engine], tracer: recorder.tracer) { world in
            let id = try await world.submit("a cat", trace: Self.trace).task.id
            _ = try await world.task(id, reaches: .succeeded)
            try await recorder.waitForAttempts(1)
        }
        try examineTree(recorder, engine)
    }

    private func examineTree(_ recorder: Recorder, _ engine: ScriptedEngine) throws {
        let spans = recorder.spans
        let queue = try #require(recorder.named("queue").first)
        let attempt = try #require(recorder.named("attempt").first)
        #expect(spans.allSatisfy { $0.context.traceID == Self.trace?.traceID && $0.status == nil })
        #expect(queue.parent == Self.trace?.spanID && attempt.parent == Self.trace?.spanID)
        #expect(queue.end <= attempt.start)
        let children = spans.filter { $0.parent == attempt.context.spanID }
        #expect(children.allSatisfy { $0.start >= attempt.start && $0.end <= attempt.end })
        #expect(Set(children.map(\.name)).isSuperset(of: ["encode", "denoise", "store"]))
        #expect(attempt.attributes.get("animato.device") == .string(engine.device))
        #expect(engine.commands.first?.trace == attempt.context.parent)
    }

    @Test("An attempt that failed says so with the code, and one without a trace makes no span")
    func failure() async throws {
        let recorder = Recorder()
        let engine = ScriptedEngine()
        try await SchedulerWorld.with([engine], tracer: recorder.tracer) { world in
            let quiet = try await world.submit("a dog").task.id
            _ = try await world.task(quiet, reaches: .succeeded)
            #expect(recorder.spans.isEmpty)
            engine.plan(.manual)
            let id = try await world.submit("a cat", trace: Self.trace).task.id
            engine.step()
            _ = try await eventually("a step") {
                try await world.scheduler.task(id, of: .standard)?.generation.progress.flatMap {
                    $0.step > 0 ? $0 : nil
                }
            }
            engine.fail(.crashed(message: "killed"))
            _ = try await world.task(id, reaches: .succeeded)
            try await recorder.waitForAttempts(2)
        }
        examineFailure(recorder)
    }

    private func examineFailure(_ recorder: Recorder) {
        let attempts = recorder.named("attempt")
        let code = EngineError.crashed(message: "").code
        #expect(attempts.map(\.status?.message) == [code, nil])
        #expect(recorder.named("queue").count == 1)
        let denoise = recorder.named("denoise").first { $0.parent == attempts.first?.context.spanID }
        #expect(denoise?.status?.message == code)
    }

    @Test("A task that joined is pointed to")
    func links() async throws {
        let recorder = Recorder()
        let engine = ScriptedEngine()
        let other = TraceContext(parent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
        try await SchedulerWorld.with([engine], tracer: recorder.tracer) { world in
            try await world.scheduler.setDraining(true, device: nil)
            let id = try await world.submit("a cat", seed: 1, trace: Self.trace).task.id
            #expect(try await world.submit("a cat", seed: 1, trace: other).disposition == .joined)
            try await world.scheduler.setDraining(false, device: nil)
            _ = try await world.task(id, reaches: .succeeded)
            try await recorder.waitForAttempts(1)
        }
        let attempt = try #require(recorder.named("attempt").first)
        #expect(attempt.context.traceID == Self.trace?.traceID)
        #expect(attempt.links.map(\.context) == [other].compactMap(\.self))
    }

    @Test("Stages follow each other, and the wait for the writer is none")
    func stages() {
        var times = StageTimes()
        #expect(times.spans(until: 9).isEmpty)
        times.enter(.encode, at: 1)
        times.enter(.denoise, at: 2)
        times.enter(.denoise, at: 3)
        times.enter(.decode, at: 4)
        times.leave(at: 5)
        #expect(times.spans(until: 9).last == StageTimes.Span(stage: .decode, from: 4, to: 5))
        times.enter(.write, at: 7)
        #expect(
            times.spans(until: 9) == [
                .init(stage: .encode, from: 1, to: 2), .init(stage: .denoise, from: 2, to: 4),
                .init(stage: .decode, from: 4, to: 5), .init(stage: .write, from: 7, to: 9, isLast: true),
            ])
        for turn in 0..<100 { times.enter(turn.isMultiple(of: 2) ? .encode : .denoise, at: 10) }
        #expect(times.spans(until: 11).count <= 9)
    }
}
