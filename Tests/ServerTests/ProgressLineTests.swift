import Foundation
import Testing

@testable import Server

@Suite("The line of progress")
struct ProgressLineTests {
    private func task(_ json: String) throws -> APIClient.Task {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try decoder.decode(APIClient.Task.self, from: Data(json.utf8))
    }

    private func running(_ step: Int, of steps: Int, eta: String = "null", stage: String = "denoise") throws
        -> APIClient.Task
    {
        try task(
            #"""
            {"task_id":"a","status":"RUNNING","cached":false,"queue_position":null,"eta_seconds":\#(eta),
             "progress":{"stage":"\#(stage)","step":\#(step),"total_steps":\#(steps)}}
            """#
        )
    }

    @Test("It shows the stage, the part that is done, the time, and what is left of it")
    func stage() throws {
        let bar = String(repeating: "█", count: 20) + String(repeating: "░", count: 20)
        #expect(
            ProgressLine.text(try running(10, of: 20, eta: "9.6"), after: .seconds(7), columns: 100)
                == "denoise  \(bar)  10/20  7 s  about 10 s left"
        )
    }

    @Test("It says why a task waits, or at which place")
    func waiting() throws {
        let pending = try task(
            #"{"task_id":"a","status":"PENDING","cached":false,"waiting":{"code":"x","message":"No engine."}}"#
        )
        #expect(ProgressLine.text(pending, after: .zero, columns: 80) == "waiting  No engine.  0 s")
        let placed = try task(
            #"{"task_id":"a","status":"PENDING","cached":false,"queue_position":3,"eta_seconds":312.4}"#
        )
        #expect(
            ProgressLine.text(placed, after: .seconds(2), columns: 80)
                == "waiting  place 3 in the queue  2 s  about 5 min left"
        )
    }

    @Test("It never takes more than it may", arguments: Array(0...100))
    func width(_ columns: Int) throws {
        let tasks = try [
            running(10, of: 20, eta: "9.6"), running(0, of: 0), running(1, of: 2, stage: "一只猫在草地上玩耍"),
            task(#"{"task_id":"a","status":"PENDING","cached":false,"waiting":{"code":"x","message":"没有引擎。"}}"#),
        ]
        for task in tasks {
            let line = ProgressLine.text(task, after: .seconds(7), columns: columns)
            #expect(TextWidth.columns(line) <= columns)
        }
    }

    @Test("No number of steps makes the bar longer or shorter", arguments: [-5, 7, Int.max, Int.min])
    func strangeSteps(_ step: Int) throws {
        let line = ProgressLine.text(try running(step, of: 5), after: .zero, columns: 200)
        #expect(line.count { $0 == "█" || $0 == "░" } == 40)
    }

    @Test("Nothing that a server says moves the cursor")
    func orders() throws {
        let pending = try task(
            #"{"task_id":"a","status":"PENDING","cached":false,"waiting":{"code":"x","message":"a\u001b[2Jb\nc"}}"#
        )
        #expect(ProgressLine.text(pending, after: .zero, columns: 80) == "waiting  a [2Jb c  0 s")
    }

    @Test("Without a terminal there is a line for every stage and every tenth, and none twice")
    func log() throws {
        var log = ProgressLog()
        let placed = try task(#"{"task_id":"a","status":"PENDING","cached":false,"queue_position":3}"#)
        #expect(log.line(placed) == "waiting  place 3 in the queue")
        #expect(log.line(placed) == nil)
        var lines: [String] = []
        for step in 0...100 {
            for _ in 0..<3 { if let line = log.line(try running(step, of: 100)) { lines.append(line) } }
        }
        #expect(lines.first == "denoise 0/100")
        #expect(lines.last == "denoise 100/100")
        #expect(lines.count == 11)
        #expect(log.line(try running(100, of: 100, eta: "3", stage: "write")) == "write 100/100, about 3 s left")
    }

    @Test("It says what less was made, and why")
    func degradation() throws {
        let task = try task(
            #"""
            {"task_id":"a","status":"SUCCESS","cached":false,"degradation":{"reason":"load",
             "num_inference_steps":[50,30],"step_cache":["off","balanced"]}}
            """#
        )
        #expect(
            task.degradation?.text
                == "Less was made than was asked for, because much was waiting: steps 30 instead of 50, "
                + "step cache balanced instead of off."
        )
    }
}
