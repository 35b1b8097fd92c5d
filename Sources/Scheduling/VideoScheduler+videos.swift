import Logging
package import Results
import Tasks

/// Finished videos, and what is made from them.
extension VideoScheduler {
    package func video(_ name: VideoName) async throws(AdmissionError) -> VideoContent? {
        let found: VideoContent?
        do throws(ResultStoreError) {
            found = try await results.video(name)
        } catch {
            throw await fault(error)
        }
        if let found { return found }
        try await checkAbsence(of: name)
        return nil
    }

    package func variant(_ variant: VideoVariant, of name: VideoName) async throws(AdmissionError) -> VideoContent? {
        do throws(AdmissionError) {
            if let found = try await variants.variant(variant, of: name) { return found }
        } catch .results(let error) {
            throw await fault(error)
        } catch {
            throw error
        }
        try await checkAbsence(of: name)
        return nil
    }

    /// - Throws: `videoExpired` if some generation made a video of that name.
    private func checkAbsence(of name: VideoName) async throws(AdmissionError) {
        let record: VideoRecord?
        do throws(TaskStoreError) {
            record = try await store.videos([name.hex])[name.hex]
        } catch {
            throw .store(error)
        }
        guard let record else { return }
        // Somebody took the file away: its tasks are to say so as well.
        if record.expiredAt == nil { await letGo(name) }
        throw .videoExpired
    }

    /// What a fault of the result store means here; a damaged video was set aside and answers no request any more.
    private func fault(_ error: ResultStoreError) async -> AdmissionError {
        if case .damaged(let name) = error { await letGo(name) }
        return .results(error)
    }

    private func letGo(_ name: VideoName) async {
        do throws(TaskStoreError) {
            try await store.expire([name.hex])
        } catch {
            // The next one who asks for it tries again.
            logger.error("A lost video could not be let go", metadata: ["code": "\(error.code)"])
        }
    }
}
