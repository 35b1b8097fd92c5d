import ArgumentParser
import UnixSignals

/// Ctrl-C and SIGTERM, as the cancellation of what a command does.
enum Interruption {
    /// Does something until it is done or a person has had enough of it.
    ///
    /// What is cancelled is waited for, so that it can put right what it has begun.
    ///
    /// - Parameter work: is cancelled by a signal.
    /// - Returns: what `work` gives.
    /// - Throws: what `work` throws; `Exit.interrupted` after a signal.
    static func orLeave<Value: Sendable>(
        _ work: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        let signals = await UnixSignalsSequence(trapping: .sigint, .sigterm)
        return try await withThrowingTaskGroup(of: Value?.self) { group in
            group.addTask { try await work() }
            group.addTask {
                for await _ in signals { break }
                return nil
            }
            defer { group.cancelAll() }
            let first = try await group.next() ?? nil
            if let first { return first }
            group.cancelAll()
            do {
                if let late = try await group.next() ?? nil { return late }
            } catch is CancellationError {
                // That is what was asked of it.
            }
            throw Exit.interrupted
        }
    }
}
