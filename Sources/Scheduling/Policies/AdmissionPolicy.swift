import Tasks

/// Decides whether one more generation may wait.
///
/// Pure.
package struct AdmissionPolicy: Sendable, Equatable {
    package enum Decision: Sendable, Equatable {
        case accept
        /// It may come again after that time.
        case refuse(code: RefusalCode, retryAfter: Duration)
    }

    /// In the words of the API.
    package enum RefusalCode: String, Sendable, CaseIterable {
        /// As many wait as may.
        case queueFull = "queue_full"
        /// What waits takes longer than anybody is to wait.
        case waitTooLong = "wait_too_long"
    }

    /// Advice to come again is never for less, nor for more.
    static let retryRange = 1.0...3600.0

    /// Generations that may wait.
    package var maxWaiting: Int
    /// How long a new generation may be predicted to wait; `nil`: any time.
    package var maxWait: Duration?

    package init(maxWaiting: Int = 10_000, maxWait: Duration? = nil) {
        self.maxWaiting = maxWaiting
        self.maxWait = maxWait
    }

    /// Whether one more may wait.
    ///
    /// - Parameters:
    ///   - count: generations that wait.
    ///   - predictedWait: seconds until the new one would start; `nil`: unknown, and then not judged by.
    /// - Returns: a refusal names the time until there is predicted to be room for one.
    package func decide(count: Int, predictedWait: Double?) -> Decision {
        let wait = predictedWait.flatMap { $0.isFinite ? max(0, $0) : nil }
        if count >= maxWaiting {
            // The queue moves by one place in this time.
            let place = (wait ?? 0) / Double(max(1, count))
            return .refuse(code: .queueFull, retryAfter: Self.advice(place * Double(count - maxWaiting + 1)))
        }
        if let wait, let maxWait, wait > maxWait.inSeconds {
            return .refuse(code: .waitTooLong, retryAfter: Self.advice(wait - maxWait.inSeconds))
        }
        return .accept
    }

    /// In whole seconds, rounded up: HTTP has no finer ones.
    private static func advice(_ seconds: Double) -> Duration {
        .seconds(Int64(min(max(seconds, retryRange.lowerBound), retryRange.upperBound).rounded(.up)))
    }
}
