import Tasks
import Testing

@testable import API

/// What is told of a task, and in which order.
struct EventFeedTests {
    private func task(_ status: TaskStatus, step: Int? = nil, attempts: Int = 0) -> GenerationTask {
        var task = GenerationTask.fixture(1, status)
        task.generation.attempts = attempts
        task.generation.progress = step.map { GenerationProgress(stage: .denoise, step: $0, totalSteps: 50) }
        return task
    }

    private func event(_ sequence: Int64, _ kind: TaskEvent.Kind) -> TaskEvent {
        TaskEvent(
            sequence: sequence,
            task: .fixture(),
            tenant: .standard,
            kind: kind,
            at: Timestamp(milliseconds: sequence)
        )
    }

    @Test("Who begins to follow is told what is, not what was")
    func present() {
        var feed = EventFeed(after: nil)
        let events = [event(3, .queued), event(8, .running)]
        let told = feed.next(task(.running, step: 4), events: events, preview: 7)
        #expect(told == [.status(sequence: 8), .progress, .preview(version: 7)])
        #expect(feed.sequence == 8)
    }

    @Test("Who comes back is told all that was missed, the last of it with the task")
    func resumed() {
        var feed = EventFeed(after: 3)
        let events = [event(8, .running), event(9, .requeued), event(12, .running)]
        let told = feed.next(task(.running, step: 4), events: events, preview: nil)
        #expect(told == [.past(events[0]), .past(events[1]), .status(sequence: 12), .progress])
    }

    @Test("Who comes back and has missed nothing is told how far the task is")
    func resumedInTime() {
        var feed = EventFeed(after: 8)
        #expect(feed.next(task(.running, step: 4), events: [], preview: nil) == [.progress])
    }

    @Test("A step, a preview and a status are told once each")
    func once() {
        var feed = EventFeed(after: nil)
        #expect(feed.next(task(.queued), events: [event(1, .queued)], preview: nil) == [.status(sequence: 1)])
        #expect(feed.next(task(.queued), events: [], preview: nil).isEmpty)
        let running = task(.running, step: 1, attempts: 1)
        #expect(feed.mayHaveEvents(running))
        let first = feed.next(running, events: [event(2, .running)], preview: nil)
        #expect(first == [.status(sequence: 2), .progress])
        #expect(!feed.mayHaveEvents(running))
        #expect(feed.next(running, events: [], preview: nil).isEmpty)
        #expect(feed.next(running, events: [], preview: 5) == [.preview(version: 5)])
        #expect(feed.next(running, events: [], preview: 5).isEmpty)
        #expect(feed.next(task(.running, step: 2, attempts: 1), events: [], preview: 6).count == 2)
    }

    @Test("An attempt that begins again tells its first step, though that was told before")
    func attempts() {
        var feed = EventFeed(after: nil)
        _ = feed.next(task(.running, step: 1, attempts: 1), events: [event(2, .running)], preview: nil)
        let again = task(.running, step: 1, attempts: 2)
        #expect(feed.mayHaveEvents(again))
        let told = feed.next(again, events: [event(3, .requeued), event(4, .running)], preview: nil)
        #expect(told == [.past(event(3, .requeued)), .status(sequence: 4), .progress])
    }

    @Test("The end is told once, after its status", arguments: [TaskStatus.succeeded, .failed, .cancelled])
    func end(_ status: TaskStatus) throws {
        let kind = try #require(TaskEvent.Kind.allCases.first { $0.status == status })
        for feed in [EventFeed(after: nil), EventFeed(after: 1)] {
            var feed = feed
            let told = feed.next(task(status), events: [event(2, kind)], preview: nil)
            #expect(told == [.status(sequence: 2), .end])
            #expect(feed.isOver)
            #expect(feed.next(task(status), events: [], preview: nil).isEmpty)
        }
        var informed = EventFeed(after: 2)
        #expect(informed.next(task(status), events: [], preview: nil) == [.end])
    }

    @Test("A task whose events are not kept any more is told of all the same")
    func purged() {
        var feed = EventFeed(after: nil)
        #expect(feed.next(task(.queued), events: [], preview: nil) == [.status(sequence: nil)])
        #expect(feed.next(task(.running), events: [], preview: nil) == [.status(sequence: nil)])
        #expect(feed.next(task(.succeeded), events: [], preview: nil) == [.status(sequence: nil), .end])
    }

    @Test("Events that are newer than the task wait for the task, and are not lost")
    func torn() {
        var fresh = EventFeed(after: nil)
        let events = [event(1, .queued), event(2, .running)]
        #expect(fresh.next(task(.queued), events: events, preview: nil).isEmpty)
        #expect(fresh.mayHaveEvents(task(.queued)))
        #expect(fresh.next(task(.running), events: events, preview: nil) == [.status(sequence: 2)])

        var resumed = EventFeed(after: 0)
        #expect(resumed.next(task(.queued), events: events, preview: nil) == events.map(EventFeed.Event.past))
        #expect(resumed.sequence == 2)
        #expect(resumed.mayHaveEvents(task(.running)))
        #expect(resumed.next(task(.running, step: 1), events: [], preview: nil) == [.progress])
    }

    @Test("A reader that is behind is waited for, and not for ever")
    func pace() {
        var pace = ReaderPace(patience: .seconds(60))
        let start = ContinuousClock.now
        #expect(pace.judge(unsentBytes: 0, at: start) == .keepsUp)
        #expect(pace.judge(unsentBytes: 1, at: start) == .isBehind)
        #expect(pace.judge(unsentBytes: 9, at: start + .seconds(59)) == .isBehind)
        #expect(pace.judge(unsentBytes: 0, at: start + .seconds(60)) == .keepsUp)
        #expect(pace.judge(unsentBytes: 1, at: start + .seconds(61)) == .isBehind)
        #expect(pace.judge(unsentBytes: 1, at: start + .seconds(121)) == .hasStalled)
    }

    @Test("A sign of life comes when nothing else has come for its time")
    func heartbeat() {
        let start = ContinuousClock.now
        var heartbeat = Heartbeat(every: .seconds(15), lookedAtEvery: .seconds(3), from: start)
        #expect(!heartbeat.isDue(start + .seconds(12)))
        #expect(heartbeat.isDue(start + .seconds(14.9)))
        heartbeat.note(start + .seconds(15))
        #expect(!heartbeat.isDue(start + .seconds(27)))
        #expect(heartbeat.isDue(start + .seconds(30)))
    }
}
