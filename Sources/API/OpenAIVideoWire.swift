import Tasks

/// The fields of `POST /v1/videos`: those of the OpenAI API, and beside them those of `POST /api/v1/generate`.
struct OpenAIVideoWire {
    /// Fields that only the OpenAI API has; it has `prompt` and `model` in common with ours.
    enum Field: String, CaseIterable {
        case inputReference = "input_reference"
        case seconds
        case size
    }

    /// What a form calls the members of `input_reference`.
    static let formNames = ["input_reference[image_url]": "image_url", "input_reference[file_id]": "file_id"]

    /// Everything that our own body has as well.
    private(set) var video: VideoWire
    private(set) var seconds: Double?
    private(set) var size: VideoSize?
    /// Where the picture or the video is to start from, unless it comes along as a part of the form.
    private(set) var reference: MediaSource?
    private var seen: Set<Field> = []
    private let policies: VideoWire.Policies

    /// Reads a JSON body.
    ///
    /// - Parameters:
    ///   - body: the whole text.
    ///   - policies: which addresses it may name.
    /// - Throws: if it is not a JSON object; faults of fields are in `violations`.
    init(_ body: [UInt8], policies: VideoWire.Policies) throws(MalformedJSON) {
        self.init(policies: policies)
        var reader = JSONReader(body)
        try reader.readObject { name, value in take(name, value) }
        finish()
    }

    /// Takes the fields of a form.
    ///
    /// - Parameters:
    ///   - fields: in their order, the file excepted.
    ///   - hasFile: whether the form brought `input_reference` as a file.
    ///   - policies: which addresses it may name.
    init(form fields: [OpenAIFormField], hasFile: Bool, policies: VideoWire.Policies) {
        self.init(policies: policies)
        if hasFile { seen.insert(.inputReference) }
        for field in OpenAIFormField.joined(fields) { take(field.name, field.value) }
        finish()
    }

    private init(policies: VideoWire.Policies) {
        self.policies = policies
        video = VideoWire(policies: policies, beside: Field.allCases.map(\.rawValue))
    }

    /// What is wrong so far.
    var violations: [Violation] { video.violations }

    /// What was asked for, frames and files excepted, which depend on the model.
    var draft: VideoRequest.Draft {
        var draft = video.draft
        if let size { (draft.width, draft.height) = (size.width, size.height) }
        return draft
    }

    /// A violation under the name of the field that the client has given.
    func asSent(_ violation: Violation) -> Violation {
        var violation = violation
        switch VideoWire.Field(rawValue: violation.field) {
        case .width, .height: if size != nil { violation.field = Field.size.rawValue }
        case .numFrames: if seconds != nil { violation.field = Field.seconds.rawValue }
        case .startImage, .video:
            guard seen.contains(.inputReference) else { break }
            let name = Field.inputReference.rawValue
            if violation.message.hasPrefix(violation.field) {
                violation.message = name + violation.message.dropFirst(violation.field.count)
            }
            violation.field = name
        default: break
        }
        return violation
    }

    private mutating func take(_ name: String, _ value: JSONValue) {
        guard let field = Field(rawValue: name) else { return video.take(name, value) }
        guard seen.insert(field).inserted else {
            return video.reject(name, .notAllowed, "\(name) is given twice.")
        }
        if value == .null { return }
        do throws(FieldFault) {
            switch field {
            case .inputReference: reference = try source(value, name)
            case .seconds: seconds = try OpenAIDuration.seconds(value, name)
            case .size: size = try Self.size(value, name)
            }
        } catch {
            video.reject(name, error.code, error.message)
        }
    }

    private mutating func finish() {
        video.finish()
        refuse(.size, with: [.width, .height])
        refuse(.seconds, with: [.numFrames])
        refuse(.inputReference, with: [.startImage, .video])
    }

    /// One thing must not be said in two ways.
    private mutating func refuse(_ field: Field, with others: [VideoWire.Field]) {
        guard seen.contains(field) else { return }
        for other in others where video.has(other) {
            let name = field.rawValue
            video.reject(name, .notAllowed, "\(name) does not go with \(other.rawValue): leave one of them out.")
        }
    }

    /// An object with `image_url` or `file_id`, or, as our own fields have it, a text with either.
    private func source(_ value: JSONValue, _ field: String) throws(FieldFault) -> MediaSource {
        guard case .object(let members) = value else {
            guard case .string = value else {
                throw FieldFault(
                    .wrongType, "\(field) must be an object with image_url or file_id; it is \(value.kind).")
            }
            return try MediaSource(value, field, urls: policies.media)
        }
        let given = members.filter { $0.value != .null }
        guard given.count == 1, let member = given.first, Self.formNames.values.contains(member.name) else {
            throw FieldFault(.notAllowed, "\(field) must have one of image_url and file_id, and nothing else.")
        }
        let source = try MediaSource(member.value, "\(field): \(member.name)", urls: policies.media)
        guard source.isUpload == (member.name == "file_id") else {
            let wanted = source.isUpload ? "a data URL or an https address" : "the id of an upload"
            throw FieldFault(.notAllowed, "\(field): \(member.name) must be \(wanted).")
        }
        return source
    }

    private static func size(_ value: JSONValue, _ field: String) throws(FieldFault) -> VideoSize {
        let sides = try value.text(field).split(separator: "x", omittingEmptySubsequences: false).map(side)
        guard sides.count == 2, let width = sides[0], let height = sides[1] else {
            throw FieldFault(.notAllowed, "\(field) must be width and height in pixels, as in 768x448.")
        }
        return VideoSize(width: width, height: height)
    }

    /// At most five digits.
    private static func side(_ text: Substring) -> Int? {
        guard (1...5).contains(text.utf8.count), text.utf8.allSatisfy({ (48...57).contains($0) }) else { return nil }
        return Int(text)
    }
}

extension MediaSource {
    fileprivate var isUpload: Bool {
        if case .upload = self { true } else { false }
    }
}
