import Foundation
import Testing

@testable import Server

@Suite("The progress bar")
struct ProgressBarTests {
    private func task(_ json: String) throws -> APIClient.Task {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try decoder.decode(APIClient.Task.self, from: Data(json.utf8))
    }

    @Test("It shows the stage, the part that is done, and the time")
    func running() throws {
        let task = try task(
            #"{"task_id":"a","status":"RUNNING","cached":false,"progress":{"stage":"denoise","step":10,"total_steps":20}}"#
        )
        let bar = String(repeating: "█", count: 15) + String(repeating: "░", count: 15)
        #expect(ProgressBar.line(task, after: .seconds(7)) == "denoise  \(bar)  10/20  7 s")
    }

    @Test("It says why a task waits")
    func waiting() throws {
        let task = try task(
            #"{"task_id":"a","status":"PENDING","cached":false,"waiting":{"code":"x","message":"No engine."}}"#
        )
        #expect(ProgressBar.line(task, after: .zero) == "waiting  No engine.  0 s")
    }

    @Test("A task without steps is no division by nothing")
    func noSteps() throws {
        let task = try task(
            #"{"task_id":"a","status":"RUNNING","cached":false,"progress":{"stage":"load","step":0,"total_steps":0}}"#
        )
        #expect(ProgressBar.line(task, after: .zero).hasPrefix("load  ░"))
    }
}
