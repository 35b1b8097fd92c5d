/// Why an engine made no video.
package enum EngineError: Error, Sendable, Equatable {
    /// The request can never work.
    case rejectedInput(code: String, message: String)
    /// The device had no room. The engine is usable again.
    case outOfMemory(message: String)
    /// The calling task was cancelled.
    case cancelled
    /// The video could not be written.
    case storage(code: String, message: String)
    /// The model could not be loaded.
    case loadFailed(code: String, message: String)
    /// The process ended, or broke the protocol and was killed.
    case crashed(message: String)
    /// No progress within the deadline; the process was killed.
    case stalled(message: String)
    /// The engine was not ready when it was asked.
    case unavailable(EngineFault)
    /// Anything else the engine reported.
    case failed(code: String, message: String)

    /// Stable, snake_case; what the task, the log and the metrics show.
    package var code: String {
        switch self {
        case .rejectedInput(let code, _), .storage(let code, _), .loadFailed(let code, _), .failed(let code, _): code
        case .outOfMemory: "out_of_memory"
        case .cancelled: "cancelled"
        case .crashed: "engine_crashed"
        case .stalled: "engine_stalled"
        case .unavailable(let fault): fault.code
        }
    }

    /// For people.
    package var message: String {
        switch self {
        case .rejectedInput(_, let message), .outOfMemory(let message), .storage(_, let message),
            .loadFailed(_, let message), .crashed(let message), .stalled(let message), .failed(_, let message):
            message
        case .cancelled: "The generation was cancelled."
        case .unavailable(let fault): fault.message
        }
    }

    /// What the caller should do next.
    package enum Advice: Sendable, Equatable {
        /// Fail: it would end the same way again.
        case giveUp
        /// Try again within the attempt limit.
        case retry
        /// Try again and do not count it: the generation has done nothing wrong.
        case retryUncounted
    }

    package var advice: Advice {
        switch self {
        case .rejectedInput, .cancelled, .storage: .giveUp
        case .outOfMemory, .crashed, .stalled, .failed: .retry
        case .loadFailed, .unavailable: .retryUncounted
        }
    }
}
