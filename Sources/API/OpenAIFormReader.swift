import HTTPTypes
import Tasks

/// Reads the form of `POST /v1/videos` as it comes: short texts, and perhaps one file.
struct OpenAIFormReader {
    /// What there is to do with the next bytes.
    enum Piece: Equatable {
        case fileBegins
        /// More of the file.
        case content([UInt8])
    }

    private enum Part {
        case none
        case text(name: String, [UInt8])
        case file
    }

    /// More than there are fields.
    static let maxParts = 128
    private static let fileField = OpenAIVideoWire.Field.inputReference.rawValue

    private let settings: APISettings
    private var form: MultipartReader
    private var current = Part.none
    private var parts = 0
    private var bodyBytes = 0
    private var textBytes = 0
    private var fileBytes: Int64 = 0
    /// The texts, in their order.
    private(set) var fields: [OpenAIFormField] = []
    /// Whether a file has begun.
    private(set) var hasFile = false

    /// - Parameters:
    ///   - headers: of the request.
    ///   - settings: how large its parts may be.
    /// - Throws: 415 for a content type that is not that of a form.
    init(_ headers: HTTPFields, settings: APISettings) throws(Problem) {
        guard let boundary = headers[.contentType].flatMap({ ParameterizedValue($0) })?.parameters["boundary"],
            let form = MultipartReader(boundary: boundary)
        else {
            throw .unsupportedMediaType("multipart/form-data needs a boundary of 1 to 70 characters (RFC 2046).")
        }
        self.settings = settings
        self.form = form
    }

    /// Takes the next bytes of the body.
    ///
    /// - Returns: what of it belongs to the file.
    /// - Throws: what is wrong with the form, or 413.
    mutating func take(_ bytes: [UInt8]) throws(Problem) -> [Piece] {
        bodyBytes += bytes.count
        guard bodyBytes <= settings.maxFormBytes else { throw .bodyTooLarge(limit: settings.maxFormBytes) }
        let events: [MultipartReader.Event]
        do { events = try form.take(bytes) } catch { throw Problem(error) }
        var pieces: [Piece] = []
        for event in events {
            switch event {
            case .part(let part):
                try endPart()
                if try begin(part) { pieces.append(.fileBegins) }
            case .content(let bytes):
                if try add(bytes) { pieces.append(.content(bytes)) }
            case .end:
                try endPart()
            }
        }
        return pieces
    }

    /// Checks that everything has come.
    func finish() throws(Problem) {
        do { try form.finish() } catch { throw Problem(error) }
        if hasFile, fileBytes == 0 { throw .emptyUpload }
    }

    /// Whether it is a file.
    private mutating func begin(_ part: MultipartPart) throws(Problem) -> Bool {
        parts += 1
        guard parts <= Self.maxParts else {
            throw Problem(MultipartFault("The form has more than \(Self.maxParts) parts."))
        }
        guard part.name == Self.fileField, part.isFile || part.type?.isMedia == true else {
            current = .text(name: part.name, [])
            return false
        }
        guard !hasFile else {
            throw .invalid([Violation(field: part.name, code: .notAllowed, message: "\(part.name) is given twice.")])
        }
        hasFile = true
        current = .file
        return true
    }

    /// Whether the bytes belong to the file.
    private mutating func add(_ bytes: [UInt8]) throws(Problem) -> Bool {
        switch current {
        case .none:
            return false
        case .file:
            fileBytes += Int64(bytes.count)
            guard fileBytes <= settings.maxUploadBytes else { throw .uploadTooLarge(limit: settings.maxUploadBytes) }
            return true
        case .text(let name, var text):
            textBytes += bytes.count
            guard textBytes <= settings.maxBodyBytes else { throw .bodyTooLarge(limit: settings.maxBodyBytes) }
            // So that the bytes are not copied with every piece.
            current = .none
            text += bytes
            current = .text(name: name, text)
            return false
        }
    }

    private mutating func endPart() throws(Problem) {
        defer { current = .none }
        guard case .text(let name, let bytes) = current else { return }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw Problem(MultipartFault("A text of the form is not UTF-8."))
        }
        fields.append(OpenAIFormField(name: name, text: text))
    }
}
