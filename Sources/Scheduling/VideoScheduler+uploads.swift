import Logging
import Results
package import Tasks

/// What clients bring, and what they see while they wait.
extension VideoScheduler {
    package func newUpload(by caller: Caller) async throws(AdmissionError) -> any UploadSink {
        try await intake.newUpload(by: caller)
    }

    package func fetchUpload(from url: CallbackURL, by caller: Caller) async throws(AdmissionError) -> Upload {
        try await intake.fetch(url, by: caller)
    }

    package func upload(_ id: MediaID, of tenant: TenantID) async throws(AdmissionError) -> Upload? {
        do {
            return try await intake.uploads.upload(id, of: tenant)
        } catch {
            throw .store(error)
        }
    }

    package func uploads(matching query: UploadQuery) async throws(AdmissionError) -> UploadPage {
        do {
            return try await intake.uploads.uploads(matching: query)
        } catch {
            throw .store(error)
        }
    }

    package func removeUpload(_ id: MediaID, of tenant: TenantID) async throws(AdmissionError) -> Bool {
        do {
            return try await intake.uploads.removeUpload(id, of: tenant)
        } catch {
            throw .store(error)
        }
    }

    package func previewVersion(of task: GenerationTask) async throws(AdmissionError) -> Int64? {
        do {
            return try await workspace.previewVersion(of: task.generation.id)
        } catch {
            throw .results(error)
        }
    }

    package func preview(of id: TaskID, of tenant: TenantID) async throws(AdmissionError) -> Preview? {
        guard let task = try await task(id, of: tenant), task.status == .running else { return nil }
        do {
            return try await workspace.readPreview(of: task.generation.id)
        } catch {
            throw .results(error)
        }
    }
}
