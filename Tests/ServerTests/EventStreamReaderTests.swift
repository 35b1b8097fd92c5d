import Foundation
import Testing

@testable import Server

@Suite("Reading server-sent events")
struct EventStreamReaderTests {
    private let stream = """
        retry: 2000

        id: 7
        event: status
        data: {"status":"RUNNING"}

        :

        event: progress
        data: {"step":1}

        data:two
        data: lines


        """

    private let events = [
        ServerSentEvent(id: "7", name: "status", data: #"{"status":"RUNNING"}"#),
        ServerSentEvent(id: nil, name: "progress", data: #"{"step":1}"#),
        ServerSentEvent(id: nil, name: "message", data: "two\nlines"),
    ]

    @Test("However the stream is cut, the same events come out", arguments: [1, 2, 3, 7, 1000])
    func pieces(_ size: Int) {
        var reader = EventStreamReader()
        let bytes = Array(stream.utf8)
        var found: [ServerSentEvent] = []
        for start in stride(from: 0, to: bytes.count, by: size) {
            found += reader.read(bytes[start..<min(start + size, bytes.count)])
        }
        #expect(found == events)
    }

    @Test("Lines may end in any of three ways", arguments: ["\r\n", "\r"])
    func endings(_ ending: String) {
        var reader = EventStreamReader()
        #expect(
            reader.read(stream.split(separator: "\n", omittingEmptySubsequences: false).joined(separator: ending).utf8)
                == events)
    }

    @Test("What is cut off is no event")
    func unfinished() {
        var reader = EventStreamReader()
        #expect(reader.read("event: end\ndata: {}\n".utf8).isEmpty)
        #expect(reader.read("\n".utf8).map(\.name) == ["end"])
    }

    @Test("What is longer than any event is passed over, and the next one is read")
    func tooLong() {
        var reader = EventStreamReader()
        let long = String(repeating: "x", count: EventStreamReader.maxBytes + 1)
        #expect(reader.read("data: \(long)\n\ndata: short\n\n".utf8).map(\.data) == ["short"])
        let many = String(repeating: "data: \(String(repeating: "x", count: 1 << 16))\n", count: 17)
        #expect(reader.read("\(many)\ndata: short\n\n".utf8).map(\.data) == ["short"])
    }
}

@Suite("What is known of a task that is followed")
struct TaskCourseTests {
    private func course() -> TaskCourse {
        TaskCourse(TaskAnswer(task: .init(taskId: "a", status: "PENDING", cached: false), body: .init()))
    }

    @Test("Progress is added to the task, and the end takes its place")
    func events() {
        var course = course()
        course.apply(.init(id: "1", name: "status", data: #"{"task_id":"a","status":"RUNNING","cached":false}"#))
        #expect(course.answer.task.status == "RUNNING")
        course.apply(
            .init(id: nil, name: "progress", data: #"{"stage":"denoise","step":3,"total_steps":9,"eta_seconds":4.5}"#)
        )
        #expect(course.answer.task.progress == .init(stage: "denoise", step: 3, totalSteps: 9))
        #expect(course.answer.task.etaSeconds == 4.5)
        #expect(!course.isOver)
        let end = #"{"task_id":"a","status":"SUCCESS","cached":false,"video_url":"/v.mp4"}"#
        course.apply(.init(id: nil, name: "end", data: end))
        #expect(course.isOver)
        #expect(String(decoding: course.answer.body, as: UTF8.self) == end)
    }

    @Test("A status that is over, other events and garbage change nothing")
    func strange() {
        var course = course()
        for (name, data) in [
            ("status", #"{"at":"2026-01-01T00:00:00Z","status":"RUNNING"}"#), ("progress", "no JSON"), ("end", "{}"),
            ("progress", "[]"), ("preview", #"{"preview_url":"x","version":1}"#), ("other", "{}"),
        ] {
            course.apply(.init(id: nil, name: name, data: data))
        }
        #expect(course.answer.task == self.course().answer.task)
    }
}
