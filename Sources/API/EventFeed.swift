import Tasks

/// What a client that follows a task has been told, and what it is to be told next.
///
/// Pure. What happens between two looks is not lost where it changed the status, and becomes one where it did not.
struct EventFeed: Equatable {
    /// One thing to tell.
    enum Event: Equatable {
        /// A status that the task has been in since, or had before it came to the one it is in.
        case past(TaskEvent)
        /// The status it is in, and the sequence of the event that brought it there; `nil`: no event of that is kept.
        case status(sequence: Int64?)
        case progress
        case preview(version: Int64)
        /// The task has ended; nothing follows.
        case end
    }

    /// What changes with every event of a task.
    private struct Course: Equatable {
        var status: TaskStatus
        var attempts: Int

        init(_ task: GenerationTask) {
            status = task.status
            attempts = task.generation.attempts
        }
    }

    /// The newest event that the client knows: those after it are to be read.
    private(set) var sequence: Int64
    /// Whether `end` was told.
    private(set) var isOver = false
    /// The client has followed this task before, and wants what it missed.
    private let isResumed: Bool
    private var course: Course?
    private var progress: GenerationProgress?
    private var preview: Int64?

    /// - Parameter sequence: of the last event that the client has seen; `nil`: it begins to follow.
    init(after sequence: Int64?) {
        self.sequence = sequence ?? 0
        isResumed = sequence != nil
    }

    /// Whether there may be events that were not told yet.
    func mayHaveEvents(_ task: GenerationTask) -> Bool {
        course != Course(task)
    }

    /// What is to be told of a task as it is now, in order.
    ///
    /// - Parameters:
    ///   - task: as it is.
    ///   - events: all of it after `sequence`, where there may be some.
    ///   - preview: the version of the newest preview; `nil` if there is none.
    /// - Returns: nothing, if nothing has changed.
    mutating func next(_ task: GenerationTask, events: [TaskEvent], preview: Int64?) -> [Event] {
        guard !isOver else { return [] }
        guard events.last.map({ $0.kind.status == task.status }) ?? true else {
            // The two were read at different moments, and the next look finds what is missing.
            return catchUp(events)
        }
        var told = statuses(task, events)
        course = Course(task)
        guard !task.status.isTerminal else {
            isOver = true
            return told + [.end]
        }
        guard task.status == .running else { return told }
        if let step = task.generation.progress, step != progress {
            progress = step
            told.append(.progress)
        }
        if let preview, preview != self.preview {
            self.preview = preview
            told.append(.preview(version: preview))
        }
        return told
    }

    private mutating func statuses(_ task: GenerationTask, _ events: [TaskEvent]) -> [Event] {
        let before = course?.status
        if let last = events.last {
            sequence = last.sequence
            progress = nil
            // Who begins to follow wants what is, not what was.
            let passed = course == nil && !isResumed ? [] : events.dropLast()
            return passed.map(Event.past) + [.status(sequence: last.sequence)]
        }
        // Events are not kept for ever.
        let isNews = course == nil ? !isResumed : before != task.status
        return isNews ? [.status(sequence: nil)] : []
    }

    private mutating func catchUp(_ events: [TaskEvent]) -> [Event] {
        guard course != nil || isResumed else { return [] }
        sequence = events.last?.sequence ?? sequence
        return events.map(Event.past)
    }
}
