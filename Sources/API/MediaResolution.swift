import Scheduling
import Tasks

/// What became of the files that a request names.
struct MediaResolution: Sendable {
    private(set) var inputs: [InputRole: Media] = [:]
    /// Of those that cannot be used.
    private(set) var violations: [Violation] = []

    /// Finds every file, all at once: looks uploads up, keeps what came along, fetches from addresses.
    ///
    /// - Parameters:
    ///   - sources: where they are.
    ///   - caller: whose uploads they are or become.
    ///   - service: keeps and fetches them.
    /// - Throws: what has nothing to do with the files themselves: a quota, a part of the server that does not work.
    init(
        _ sources: [InputRole: MediaSource],
        of caller: Caller,
        from service: any VideoService
    ) async throws(AdmissionError) {
        let found = await withTaskGroup(of: (InputRole, Result<Upload?, AdmissionError>).self) { group in
            for (role, source) in sources {
                group.addTask { (role, await source.find(for: caller, from: service)) }
            }
            return await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
        }
        for role in InputRole.allCases {
            switch found[role] {
            case nil:
                continue
            case .success(let upload?):
                inputs[role] = upload.media
            case .success(nil):
                refuse(role, "There is no upload of this id; it may have expired.")
            case .failure(let error):
                guard let reason = error.objectionToMedia else { throw error }
                refuse(role, reason)
            }
        }
    }

    private mutating func refuse(_ role: InputRole, _ reason: String) {
        violations.append(
            Violation(field: role.rawValue, code: .unusableMedia, message: "\(role.rawValue): \(reason)")
        )
    }
}

extension MediaSource {
    fileprivate func find(
        for caller: Caller,
        from service: any VideoService
    ) async -> Result<Upload?, AdmissionError> {
        do throws(AdmissionError) {
            switch self {
            case .upload(let id):
                return .success(try await service.upload(id, of: caller.tenant))
            case .data(let bytes):
                return .success(try await service.keep(bytes, by: caller))
            case .address(let url):
                return .success(try await service.fetchUpload(from: url, by: caller))
            }
        } catch {
            return .failure(error)
        }
    }
}

extension VideoService {
    fileprivate func keep(_ bytes: [UInt8], by caller: Caller) async throws(AdmissionError) -> Upload {
        let sink = try await newUpload(by: caller)
        do throws(AdmissionError) {
            try await sink.write(bytes)
        } catch {
            await sink.abandon()
            throw error
        }
        return try await sink.finish(idempotencyKey: nil)
    }
}

extension AdmissionError {
    /// What is wrong with a file that a client has named, for people; `nil` if the file is not the reason.
    var objectionToMedia: String? {
        switch self {
        case .uploadTooLarge(let limit): "A file must have at most \(limit) bytes."
        case .mediaRefused(_, let message): message
        case .mediaFetch(let error): error.message
        case .modelUnknown, .refused, .deviceUnknown, .videoExpired, .variantUnavailable, .mediaUnavailable, .store,
            .results:
            nil
        }
    }
}
