import Scheduling
import Tasks

/// What became of the files that a request of the OpenAI API brings.
struct OpenAIMedia: Sendable {
    private(set) var inputs: [InputRole: Media]
    private(set) var violations: [Violation]

    /// Keeps the file that came along, and finds the others.
    ///
    /// - Parameters:
    ///   - wire: the request.
    ///   - file: what came as a part of the form; ended in any case.
    ///   - caller: whose uploads they are or become.
    ///   - service: keeps and fetches them.
    /// - Throws: what has nothing to do with the files themselves.
    init(
        _ wire: OpenAIVideoWire,
        file: (any UploadSink)?,
        by caller: Caller,
        from service: any VideoService
    ) async throws(Problem) {
        let field = OpenAIVideoWire.Field.inputReference.rawValue
        var sources = wire.video.sources
        // What it is, a picture or a video, shows only when it is there.
        if let reference = wire.reference { sources[.startImage] = reference }
        do throws(AdmissionError) {
            let found = try await MediaResolution(sources, of: caller, from: service)
            inputs = found.inputs
            violations = found.violations
        } catch {
            await file?.abandon()
            throw Problem(error)
        }
        var reference = wire.reference == nil ? nil : inputs.removeValue(forKey: .startImage)
        if let file {
            do throws(AdmissionError) {
                reference = try await file.finish(idempotencyKey: nil).media
            } catch {
                guard let reason = error.objectionToMedia else { throw Problem(error) }
                violations.append(Violation(field: field, code: .unusableMedia, message: "\(field): \(reason)"))
            }
        }
        guard let reference else { return }
        switch reference.kind {
        case .image: inputs[.startImage] = reference
        case .video: inputs[.video] = reference
        }
    }
}
