import Foundation
import Synchronization

/// Follows a task to its end: by its events, and by asking where those are not to be had.
struct TaskFollower {
    /// Between two looks at the clock, and at the place in the queue, of which no event tells.
    private static let tick: Duration = .seconds(1)
    /// Before events are asked for again.
    private static let reconnectDelay: Duration = .seconds(2)
    /// How long the server may be away, for a restart.
    private static let outageLimit: Duration = .seconds(30)

    /// What wakes the follower.
    private enum Sign {
        case event(ServerSentEvent)
        /// There is no stream of events at present.
        case streamEnded
        case tick

        var isTick: Bool {
            if case .tick = self { true } else { false }
        }
    }

    let client: APIClient

    /// - Parameters:
    ///   - submitted: the task as it was answered.
    ///   - show: called with everything that is new, and once a second.
    /// - Returns: the task as it ended.
    /// - Throws: `APIClient.Failure` if the server refuses, or is away for too long; `CancellationError`.
    func follow(_ submitted: TaskAnswer, show: (APIClient.Task) -> Void) async throws -> TaskAnswer {
        let (signs, continuation) = AsyncStream.makeStream(of: Sign.self, bufferingPolicy: .bufferingNewest(64))
        return try await withThrowingTaskGroup(of: Void.self) { group in
            defer { group.cancelAll() }
            group.addTask { await listen(to: submitted.task.taskId) { continuation.yield($0) } }
            group.addTask {
                while !Task.isCancelled {
                    try await Task.sleep(for: Self.tick)
                    continuation.yield(.tick)
                }
            }
            return try await follow(submitted, signs, show: show)
        }
    }

    private func follow(
        _ submitted: TaskAnswer,
        _ signs: AsyncStream<Sign>,
        show: (APIClient.Task) -> Void
    ) async throws -> TaskAnswer {
        var course = TaskCourse(submitted)
        var isStreaming = false
        var awaySince: ContinuousClock.Instant?
        show(course.answer.task)
        guard !course.isOver else { return course.answer }
        for await sign in signs {
            switch sign {
            case .event(let event):
                (isStreaming, awaySince) = (true, nil)
                course.apply(event)
            case .streamEnded: isStreaming = false
            case .tick: break
            }
            let isAsked = !isStreaming || (sign.isTick && course.answer.task.status == "PENDING")
            if !course.isOver, isAsked {
                do throws(APIClient.Failure) {
                    course.apply(try await client.task(submitted.task.taskId))
                    awaySince = nil
                } catch {
                    // A request that was on its way fails as if nobody had answered.
                    try Task.checkCancellation()
                    guard error.isTemporary else { throw error }
                    let since = awaySince ?? .now
                    guard ContinuousClock.now - since < Self.outageLimit else { throw error }
                    awaySince = since
                }
            }
            show(course.answer.task)
            if course.isOver { return course.answer }
        }
        // The signs end for nothing but this.
        throw CancellationError()
    }

    /// Tells every event, and goes on behind the last one when the stream breaks off.
    private func listen(to id: String, tell: @Sendable (Sign) -> Void) async {
        var last: String?
        while !Task.isCancelled {
            await client.events(of: id, after: last) { event in
                if let id = event.id { last = id }
                tell(.event(event))
            }
            tell(.streamEnded)
            // Cancelled: there is nobody to tell any more.
            try? await Task.sleep(for: Self.reconnectDelay)
        }
    }
}

/// A task as the server answered, read and as it stands.
struct TaskAnswer {
    var task: APIClient.Task
    /// The JSON object.
    var body: Data
}

/// What is known of a task while it is followed.
///
/// Pure.
struct TaskCourse {
    /// A step, as an event tells it.
    private struct Step: Decodable {
        var stage: String?
        var step: Int?
        var totalSteps: Int?
        var etaSeconds: Double?
    }

    private(set) var answer: TaskAnswer

    init(_ answer: TaskAnswer) {
        self.answer = answer
    }

    var isOver: Bool { !["PENDING", "RUNNING"].contains(answer.task.status) }

    /// Takes an answer over.
    mutating func apply(_ newer: TaskAnswer) {
        answer = newer
    }

    /// Takes an event over; one that cannot be read changes nothing.
    mutating func apply(_ event: ServerSentEvent) {
        let data = Data(event.data.utf8)
        switch event.name {
        case "status", "end":
            // Of a status that is over only the moment is told.
            if let task: APIClient.Task = decoded(data) { answer = TaskAnswer(task: task, body: data) }
        case "progress":
            guard let step: Step = decoded(data) else { return }
            answer.task.etaSeconds = step.etaSeconds
            if let stage = step.stage {
                answer.task.progress = .init(stage: stage, step: step.step ?? 0, totalSteps: step.totalSteps ?? 0)
            }
        default: break
        }
    }

    private func decoded<Value: Decodable>(_ data: Data) -> Value? {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try? decoder.decode(Value.self, from: data)
    }
}
