import HTTPTypes
import Tasks

/// Finds the one file in the body of an upload, as the body comes.
///
/// Either the body is the file, or it is a form with one part `file`.
struct UploadReader {
    private static let field = "file"

    private let limit: Int64
    private let bodyLimit: Int
    private var form: MultipartReader?
    private var bodyBytes = 0
    private var fileBytes: Int64 = 0
    private var hasPart = false

    /// - Parameters:
    ///   - headers: of the request.
    ///   - settings: how large a file may be.
    /// - Throws: 415 for a content type that says it is neither.
    init(_ headers: HTTPFields, settings: APISettings) throws(Problem) {
        limit = settings.maxUploadBytes
        bodyLimit = settings.maxUploadBodyBytes
        guard let given = headers[.contentType] else {
            throw .unsupportedMediaType("Content-Type is missing; \(Self.accepted)")
        }
        guard let type = ParameterizedValue(given) else {
            throw .unsupportedMediaType("Content-Type is malformed; \(Self.accepted)")
        }
        if type.value == "multipart/form-data" {
            guard let form = type.parameters["boundary"].flatMap({ MultipartReader(boundary: $0) }) else {
                throw .unsupportedMediaType("multipart/form-data needs a boundary of 1 to 70 characters (RFC 2046).")
            }
            self.form = form
        } else if !type.isMedia {
            throw .unsupportedMediaType("Content-Type \(Self.accepted)")
        }
    }

    private static let accepted =
        "must be image/*, video/*, application/octet-stream, or multipart/form-data with one part file."

    /// Takes the next bytes of the body.
    ///
    /// - Returns: the bytes of the file in them.
    /// - Throws: what is wrong with the form, or 413.
    mutating func take(_ bytes: [UInt8]) throws(Problem) -> [[UInt8]] {
        bodyBytes += bytes.count
        guard bodyBytes <= bodyLimit else { throw .uploadTooLarge(limit: limit) }
        let parts = form == nil ? [bytes] : try content(in: bytes)
        for part in parts { fileBytes += Int64(part.count) }
        guard fileBytes <= limit else { throw .uploadTooLarge(limit: limit) }
        return parts
    }

    /// Checks that the whole file has come.
    func finish() throws(Problem) {
        if let form {
            do { try form.finish() } catch { throw Problem(error) }
            guard hasPart else { throw Self.invalid(Self.field, .required, "The form needs a part file.") }
        }
        guard fileBytes > 0 else { throw .emptyUpload }
    }

    private mutating func content(in bytes: [UInt8]) throws(Problem) -> [[UInt8]] {
        let events: [MultipartReader.Event]
        do { events = try form?.take(bytes) ?? [] } catch { throw Problem(error) }
        var parts: [[UInt8]] = []
        for event in events {
            switch event {
            case .part(let part): try begin(part)
            case .content(let bytes): parts.append(bytes)
            case .end: break
            }
        }
        return parts
    }

    private mutating func begin(_ part: MultipartPart) throws(Problem) {
        guard part.name == Self.field else {
            let shown = String(part.name.prefix(64))
            throw Self.invalid(shown, .unknownField, "There is no field \(shown); the file is in file.")
        }
        guard !hasPart else {
            throw Self.invalid(Self.field, .notAllowed, "file is given twice; upload one at a time.")
        }
        guard part.type?.isMedia != false else {
            throw .unsupportedMediaType("The type of the file must be image/*, video/* or application/octet-stream.")
        }
        hasPart = true
    }

    private static func invalid(_ field: String, _ code: Violation.Code, _ message: String) -> Problem {
        .invalid([Violation(field: field, code: code, message: message)])
    }
}
