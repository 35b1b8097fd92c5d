import Synchronization
import TestSupport
import Testing

@testable import Engine

@Suite("Calls of a pass")
struct PassCallTests {
    private static func pass(_ lengths: [Int]) -> [GenerateCommand] {
        lengths.enumerated().map { index, length in
            var command = EngineFixture.command(in: "/nowhere", id: "g-\(index)")
            command.prompt = String(repeating: "x", count: length)
            return command
        }
    }

    @Test(
        "As many are sent together as fit into a frame, from the first on",
        arguments: [
            ([10, 10, 10], 3), ([600_000, 600_000, 10], 1), ([400_000, 400_000, 400_000], 2), ([2_000_000, 10], 0),
            ([10, 2_000_000, 10], 1), ([], 0),
        ]
    )
    func fitsIntoFrame(lengths: [Int], count: Int) {
        let pass = Self.pass(lengths)
        #expect(PassCall.sendable(pass).map(\.id) == pass.prefix(count).map(\.id))
    }

    @Test("What does not fit is given back uncounted, what never fits is refused, and each ends once")
    func endsWhatIsNotSent() async throws {
        // It was never started: what is sent is refused as well.
        let engine = PythonEngine(settings: try EngineFixture.settings(.timed(stepSeconds: 0)))
        for (pass, advice) in [
            (Self.pass([600_000, 600_000]), [EngineError.Advice.retryUncounted, .retryUncounted]),
            (Self.pass([2_000_000, 10]), [.giveUp, .retryUncounted]),
        ] {
            let ends = Mutex<[String: [EngineError.Advice?]]>([:])
            await engine.generate(pass) { _, _ in
            } ended: { id, outcome in
                ends.withLock { ends in
                    if case .failure(let error) = outcome { ends[id, default: []].append(error.advice) }
                }
            }
            #expect(ends.withLock { $0 } == ["g-0": [advice[0]], "g-1": [advice[1]]])
        }
        await engine.generate([]) { _, _ in
        } ended: { _, _ in
            Issue.record("nothing was to end")
        }
    }
}
