import Foundation
package import Logging
import ServiceLifecycle
import Synchronization
package import Tasks

/// Has small pieces of work done by another process of the deployment, where this one has not got what they need.
///
/// A call is told to every process; the first one with a place for it takes it as a duty, and answers to all. A call that
/// nobody answers in time is given up: nothing of it outlives the caller.
package final class RemoteCalls: Service {
    /// Carries out a call: its body in, the answer's body out.
    package typealias Handler = @Sendable ([UInt8]) async -> [UInt8]

    private struct Call: Codable {
        var id: String
        var kind: String
        var body: Data
        /// Milliseconds since 1970; nobody waits any more afterwards.
        var deadline: Int64
    }

    private struct Answer: Codable {
        var id: String
        var body: Data
    }

    /// Why there is no answer.
    package enum Failure: Error, Equatable {
        /// No process has answered in time.
        case noAnswer
        case store(TaskStoreError)
    }

    private static let callTopic = "calls"
    private static let answerTopic = "answers"
    /// Of each topic: more than wait at the same time.
    private static let kept = 1_000
    /// Calls that one process works on at the same time.
    private static let concurrency = 4

    private let coordination: any Coordination
    private let handlers: [String: Handler]
    private let clock: any ServiceClock
    private let logger: Logger
    private let me = WorkerID.unique()
    private let waiting = Mutex<[String: AsyncStream<[UInt8]>.Continuation]>([:])

    /// - Parameters:
    ///   - coordination: reaches the other processes.
    ///   - handlers: what this process does for others, by the kind of call; empty: nothing.
    ///   - clock: that of the deployment.
    ///   - logger: for calls that cannot be read.
    package init(
        coordination: any Coordination,
        handlers: [String: Handler] = [:],
        clock: any ServiceClock,
        logger: Logger
    ) {
        self.coordination = coordination
        self.handlers = handlers
        self.clock = clock
        self.logger = logger
    }

    /// Has a piece of work done.
    ///
    /// - Parameters:
    ///   - kind: what is to be done.
    ///   - body: what it is to be done with, at most 64 KiB.
    ///   - patience: until it is given up.
    /// - Returns: the answer's body.
    /// - Throws: `noAnswer`, `store`.
    package func call(_ kind: String, _ body: [UInt8], patience: Duration) async throws(Failure) -> [UInt8] {
        let id = UUID().uuidString.lowercased()
        let (answers, continuation) = AsyncStream.makeStream(of: [UInt8].self, bufferingPolicy: .bufferingOldest(1))
        waiting.withLock { $0[id] = continuation }
        defer { waiting.withLock { $0[id] = nil } }
        let deadline = clock.wallTime().advanced(by: patience).milliseconds
        do {
            let call = try JSONEncoder().encode(Call(id: id, kind: kind, body: Data(body), deadline: deadline))
            try await coordination.post(Array(call), to: Self.callTopic, keeping: Self.kept)
        } catch let error as TaskStoreError {
            throw .store(error)
        } catch {
            throw .store(.unavailable("the call cannot be written"))
        }
        let clock = clock
        let answer = await withTaskGroup(of: [UInt8]?.self) { group in
            group.addTask { await answers.first { _ in true } }
            group.addTask {
                // Ends early with the group; then nobody asks for it.
                try? await clock.sleep(for: patience)
                return nil
            }
            defer { group.cancelAll() }
            return await group.next() ?? nil
        }
        guard let answer else { throw .noAnswer }
        return answer
    }

    /// Listens for answers, and for calls where this process does something for others.
    package func run() async throws {
        await cancelWhenGracefulShutdown { [self] in
            await withDiscardingTaskGroup { group in
                group.addTask { [self] in
                    for await message in coordination.messages(of: Self.answerTopic) { take(message) }
                }
                guard !handlers.isEmpty else { return }
                for worker in 0..<Self.concurrency {
                    group.addTask { [self] in await serve(worker) }
                }
            }
        }
    }

    private func take(_ message: [UInt8]) {
        guard let answer = try? JSONDecoder().decode(Answer.self, from: Data(message)) else {
            logger.warning("An answer of another process cannot be read")
            return
        }
        waiting.withLock { $0[answer.id] }?.yield(Array(answer.body))
    }

    /// One place for calls: while it works, other places and other processes take what comes.
    private func serve(_ place: Int) async {
        for await message in coordination.messages(of: Self.callTopic) {
            guard let call = try? JSONDecoder().decode(Call.self, from: Data(message)) else {
                logger.warning("A call of another process cannot be read")
                continue
            }
            guard let handler = handlers[call.kind] else { continue }
            let left = clock.wallTime().duration(to: Timestamp(milliseconds: call.deadline))
            guard left > .zero else { continue }
            do throws(TaskStoreError) {
                let name = WorkerID(rawValue: "\(me)-\(place)")
                guard try await coordination.lead("call:\(call.id)", as: name, for: left) else { continue }
                let body = await handler(Array(call.body))
                guard let answer = try? JSONEncoder().encode(Answer(id: call.id, body: Data(body))) else { continue }
                try await coordination.post(Array(answer), to: Self.answerTopic, keeping: Self.kept)
            } catch {
                // Who called gives up in time.
                logger.warning("A call could not be answered", metadata: ["code": "\(error.code)"])
            }
        }
    }
}
