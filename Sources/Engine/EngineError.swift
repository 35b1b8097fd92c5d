/// Why an engine made no video.
package enum EngineError: Error, Sendable, Equatable {
    /// The request can never work.
    case rejectedInput(code: String, message: String)
    /// The device had no room. The engine is usable again, or is replaced.
    case outOfMemory(EngineMemoryFault)
    /// The calling task was cancelled.
    case cancelled
    /// It gave up because it was asked to; what counts is the checkpoint.
    case yielded
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
        case .yielded: "yielded"
        case .crashed: "engine_crashed"
        case .stalled: "engine_stalled"
        case .unavailable(let fault): fault.code
        }
    }

    /// For people.
    package var message: String {
        switch self {
        case .rejectedInput(_, let message), .storage(_, let message),
            .loadFailed(_, let message), .crashed(let message), .stalled(let message), .failed(_, let message):
            message
        case .outOfMemory(let fault): fault.message
        case .cancelled: "The generation was cancelled."
        case .yielded: "The generation gave way."
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
        case .loadFailed, .unavailable, .yielded: .retryUncounted
        }
    }
}

/// What is known of a lack of memory.
package struct EngineMemoryFault: Sendable, Equatable {
    package var message: String
    package var stage: EngineProgress.Stage?
    /// Of the device, before the generation; `nil` where it cannot be told.
    package var freeBytesBefore: Int64?
    /// The same, after the clean-up.
    package var freeBytesAfter: Int64?

    package init(
        message: String,
        stage: EngineProgress.Stage? = nil,
        freeBytesBefore: Int64? = nil,
        freeBytesAfter: Int64? = nil
    ) {
        self.message = message
        self.stage = stage
        self.freeBytesBefore = freeBytesBefore
        self.freeBytesAfter = freeBytesAfter
    }

    /// Whether less memory came back than there was, by more than a part of it.
    package func hasLostMemory(beyond tolerance: Double) -> Bool {
        guard let freeBytesBefore, let freeBytesAfter, freeBytesBefore > 0 else { return false }
        return Double(freeBytesBefore) - Double(freeBytesAfter) > Double(freeBytesBefore) * tolerance
    }
}

extension EngineError {
    /// What a `failed` means for the caller.
    init(_ failed: EngineMessage.Failed) {
        self =
            switch failed.kind {
            case .invalidInput: .rejectedInput(code: failed.code, message: failed.message)
            case .outOfMemory:
                .outOfMemory(
                    EngineMemoryFault(
                        message: failed.message,
                        stage: failed.stage,
                        freeBytesBefore: failed.freeBytesBefore,
                        freeBytesAfter: failed.freeBytesAfter
                    )
                )
            case .yielded: .yielded
            // Nobody here asked for it: somebody told the process to end.
            case .cancelled: .crashed(message: "The engine was told to end by someone else.")
            case .storage: .storage(code: failed.code, message: failed.message)
            case .loadFailed: .loadFailed(code: failed.code, message: failed.message)
            case .internal: .failed(code: failed.code, message: failed.message)
            }
    }
}
