import Engine
import Logging
import Results
import Synchronization

/// What is made from videos, made when it is first asked for and by one process however many ask.
final class Variants: Sendable {
    private struct Question: Hashable {
        var name: VideoName
        var variant: VideoVariant
    }

    /// What came of making it.
    private enum End: Sendable {
        case made
        case noVideo
        case failed(AdmissionError)
        /// Whoever was making it went away.
        case abandoned
    }

    private typealias Waiters = [UInt64: CheckedContinuation<End, Never>]

    private struct State {
        var nextWaiter: UInt64 = 0
        /// By what is being made, who waits for it.
        var beingMade: [Question: Waiters] = [:]
    }

    private let results: any ResultStore
    private let deriver: any VideoDeriver
    private let logger: Logger
    private let state = Mutex(State())

    init(results: any ResultStore, deriver: any VideoDeriver, logger: Logger) {
        self.results = results
        self.deriver = deriver
        self.logger = logger
    }

    /// What was made from a video, made now if need be; `nil` if there is no such video.
    ///
    /// - Throws: `results`, `variantUnavailable`.
    func variant(_ variant: VideoVariant, of name: VideoName) async throws(AdmissionError) -> VideoContent? {
        let question = Question(name: name, variant: variant)
        // An end after which there is nothing is only possible if it was removed at once: then the video was as well.
        for _ in 0..<2 {
            if let kept = try await kept(question) { return kept }
            switch await end(of: question) {
            case .made: continue
            case .noVideo: return nil
            case .failed(let error): throw error
            case .abandoned: throw .variantUnavailable(code: "derivation_failed")
            }
        }
        return try await kept(question)
    }

    private func kept(_ question: Question) async throws(AdmissionError) -> VideoContent? {
        do {
            return try await results.variant(question.variant, of: question.name)
        } catch {
            throw .results(error)
        }
    }

    /// Makes it, or waits for whoever does; takes over from one that went away.
    private func end(of question: Question) async -> End {
        while !Task.isCancelled {
            guard !begin(question) else {
                let end = await make(question)
                finish(question, end)
                return end
            }
            let end = await wait(for: question)
            if case .abandoned = end { continue }
            return end
        }
        return .abandoned
    }

    private func make(_ question: Question) async -> End {
        let staged = results.stagingPath(for: "\(question.name)-\(question.variant.rawValue)")
        do throws(ResultStoreError) {
            let outcome = try await results.withLocalFile(of: question.name) { [deriver] path in
                await Self.derive(question.variant, from: path, to: staged, by: deriver)
            }
            switch outcome {
            case nil: return .noVideo
            case .failure(let fault)?:
                if Task.isCancelled { return .abandoned }
                logger.warning(
                    "Nothing could be made from a video",
                    metadata: [
                        "video": "\(question.name)", "variant": "\(question.variant.rawValue)",
                        "code": "\(fault.code)", "log": "\(fault.log.suffix(3).joined(separator: " | "))",
                    ]
                )
                return .failed(.variantUnavailable(code: fault.code))
            case .success?:
                try await results.adopt(staged, as: question.variant, of: question.name)
                return .made
            }
        } catch {
            return .failed(.results(error))
        }
    }

    private static func derive(
        _ variant: VideoVariant,
        from input: String,
        to output: String,
        by deriver: any VideoDeriver
    ) async -> Result<Void, EngineFault> {
        do throws(EngineFault) {
            return .success(try await deriver.derive(variant.rawValue, from: input, to: output))
        } catch {
            return .failure(error)
        }
    }

    // MARK: One for all who ask

    /// Whether the caller is to make it.
    private func begin(_ question: Question) -> Bool {
        state.withLock { state in
            guard state.beingMade[question] == nil else { return false }
            state.beingMade[question] = [:]
            return true
        }
    }

    private func finish(_ question: Question, _ end: End) {
        let waiters = state.withLock { $0.beingMade.removeValue(forKey: question) ?? [:] }
        for waiter in waiters.values { waiter.resume(returning: end) }
    }

    /// The end of what another is making; `abandoned` if nobody does any more, or the calling task is cancelled.
    private func wait(for question: Question) async -> End {
        let id = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let waits = state.withLock { state in
                    guard !Task.isCancelled, state.beingMade[question] != nil else { return false }
                    state.beingMade[question]?[id] = continuation
                    return true
                }
                if !waits { continuation.resume(returning: .abandoned) }
            }
        } onCancel: {
            state.withLock { $0.beingMade[question]?.removeValue(forKey: id) }?.resume(returning: .abandoned)
        }
    }
}
