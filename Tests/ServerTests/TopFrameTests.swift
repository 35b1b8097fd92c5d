import Foundation
import Testing

@testable import Server

@Suite("The live view")
struct TopFrameTests {
    private func state(tasks: Int = 2, devices: Int = 1) throws -> TopState {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        let device = try decoder.decode(
            APIClient.Device.self,
            from: Data(
                #"""
                {"id":"cuda:0","kind":"NVIDIA A100","state":"busy","total_bytes":85899345920,
                 "free_bytes":21474836480,"utilisation":0.966,"temperature_celsius":61.4,"engines":[
                 {"index":0,"state":"busy","model":"EasyAnimateV5.1","work":{"generations":1,"priority":"normal",
                  "progress":{"percent":50,"stage":"denoise","step":25,"total_steps":50},"seconds_left":42.0}}]}
                """#.utf8
            )
        )
        let queue = try decoder.decode(
            APIClient.Queue.self,
            from: Data(
                #"{"waiting":1,"running":1,"by_priority":{"normal":1},"predicted_wait_seconds":42,"draining":false}"#
                    .utf8
            )
        )
        let list = (0..<tasks).map { index in
            APIClient.Task(
                taskId: "t\(index)",
                status: index == 0 ? "RUNNING" : "PENDING",
                cached: false,
                priority: "normal",
                request: .init(prompt: "一只猫在草地上玩耍", width: 768, height: 448, numFrames: 49),
                tenant: "shop",
                progress: index == 0 ? .init(stage: "denoise", step: 25, totalSteps: 50) : nil,
                queuePosition: index == 0 ? nil : index,
                etaSeconds: 42
            )
        }
        return TopState(
            server: "http://127.0.0.1:5000",
            version: "0.1.0",
            time: "22:10:05",
            devices: Array(repeating: device, count: devices),
            queue: queue,
            tasks: list,
            isEverybodys: true
        )
    }

    @Test("It shows the devices, the queue and the tasks")
    func whole() throws {
        let lines = TopFrame.lines(try state(), width: 120, height: nil)
        #expect(
            lines.map(\.text) == [
                "animato 0.1.0  http://127.0.0.1:5000  22:10:05",
                "1 waiting (0 interactive, 1 normal, 0 batch), 1 running; a new one would wait about 42 s",
                "",
                "DEVICE  STATE  MEMORY IN USE                  LOAD  TEMP   KIND",
                "cuda:0  busy   █████████░░░ 60.0 of 80.0 GiB  97 %  61 °C  NVIDIA A100",
                "  engine 0  busy  EasyAnimateV5.1  normal  denoise 25/50  42 s left  ██████████░░░░░░░░░░",
                "",
                "TASK  STATUS   PRIORITY  SIZE        PROGRESS                  TENANT",
                "t0    RUNNING  normal    768x448x49  denoise 25/50, 42 s left  shop",
                "t1    PENDING  normal    768x448x49  place 1, 42 s left        shop",
            ]
        )
        #expect(lines.indices.filter { lines[$0].isHeading } == [0, 3, 7])
    }

    @Test("One's own tasks are shown with what they show")
    func own() throws {
        var state = try state()
        state.isEverybodys = false
        #expect(TopFrame.lines(state, width: 120, height: nil).last?.text.hasSuffix("  一只猫在草地上玩耍") == true)
    }

    @Test("It fits every window", arguments: [(1, 1), (10, 3), (20, 5), (40, 10), (80, 24), (200, 60)])
    func fits(_ width: Int, _ height: Int) throws {
        for (tasks, devices) in [(0, 0), (2, 1), (100, 1), (1, 40), (100, 40)] {
            var state = try state(tasks: tasks, devices: devices)
            state.isEverybodys = false
            let lines = TopFrame.lines(state, width: width, height: height)
            #expect(lines.count <= height)
            #expect(lines.allSatisfy { TextWidth.columns($0.text) <= width })
        }
    }

    @Test("Where there is not room for all, it says how much is left out, of devices and of tasks")
    func cut() throws {
        let lines = TopFrame.lines(try state(tasks: 100, devices: 40), width: 120, height: 24).map(\.text)
        #expect(lines.count == 24)
        #expect(lines.contains("… 72 more lines"))
        #expect(lines.last == "… 92 more lines")
    }

    @Test("What runs comes first, then what waits, by its place")
    func order() {
        func task(_ id: String, _ status: String, _ position: Int? = nil, _ priority: String = "normal")
            -> APIClient.Task
        {
            APIClient.Task(taskId: id, status: status, cached: false, priority: priority, queuePosition: position)
        }
        let tasks = [
            task("far", "PENDING"), task("second", "PENDING", 2), task("urgent", "PENDING", nil, "interactive"),
            task("runs", "RUNNING"), task("first", "PENDING", 1),
        ]
        #expect(TopFrame.ordered(tasks).map(\.taskId) == ["runs", "first", "second", "urgent", "far"])
    }
}

@Suite("The table of tasks")
struct TaskTableTests {
    @Test("Columns stand under each other, whatever is written in them")
    func aligned() {
        let tasks = [
            APIClient.Task(
                taskId: "a", status: "FAILED", cached: false, error: .init(code: "out_of_memory", message: "")),
            APIClient.Task(
                taskId: "b",
                status: "SUCCESS",
                cached: true,
                priority: "batch",
                request: .init(prompt: "猫\u{1B}[2J\n狗", width: 64, height: 64, numFrames: 5)
            ),
        ]
        #expect(
            TaskTable.lines(tasks, width: .max, showsOwner: false) == [
                "TASK  STATUS   PRIORITY  SIZE     PROGRESS       PROMPT",
                "a     FAILED   -         -        out_of_memory  -",
                "b     SUCCESS  batch     64x64x5  from cache     猫 [2J 狗",
            ]
        )
        #expect(TaskTable.lines(tasks, width: 20, showsOwner: false).last == "b     SUCCESS  batc…")
    }
}
