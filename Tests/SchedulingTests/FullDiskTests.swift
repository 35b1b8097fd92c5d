import Engine
import Foundation
import Logging
import Synchronization
import Tasks
import TestSupport
import Testing

@testable import Scheduling

struct FullDiskTests {
    @Test(
        "Work that a full disk does not let claim is tried now and then, not all the time, and goes on with room",
        .enabled(if: SmallDisk.isAvailable, "mounting a small file system needs root")
    )
    func claims() async throws {
        let refusals = Mutex(0)
        let logger = Logger(label: "test") { _ in
            Listener { message in
                if message == "No work could be claimed" { refusals.withLock { $0 += 1 } }
            }
        }
        try await SmallDisk.with(bytes: 4 << 20) { disk in
            let engine = ScriptedEngine()
            try await SchedulerWorld.with([engine], database: "\(disk)/tasks.sqlite", logger: logger) { world in
                _ = try await world.video(of: "first")
                engine.becomeUnavailable(EngineFault(code: "engine_crashed", message: "It has gone."))
                let waiting = try await world.submit("second").task.id
                let filler = try SmallDisk.fill(disk)
                // What has room in the journal still comes in.
                var isFull = false
                for number in 0..<5_000 where !isFull {
                    isFull = (try? await world.submit("filler \(number)")) == nil
                }
                #expect(isFull)
                engine.becomeReady()
                _ = try await eventually("a claim is refused") { refusals.withLock { $0 > 0 ? true : nil } }
                // The pause between two looks is a second: this is how long is watched, not what is waited for.
                try await Task.sleep(for: .milliseconds(1_500))
                #expect(refusals.withLock { $0 } <= 3)
                try FileManager.default.removeItem(atPath: filler)
                _ = try await world.task(waiting, reaches: .succeeded)
            }
        }
    }
}
