import Tasks

/// The body of `POST /api/v1/generate`: bytes become a draft and what is wrong with it.
struct VideoWire {
    /// Fields as the client spells them.
    enum Field: String, CaseIterable {
        case prompt
        case negativePrompt = "negative_prompt"
        case width
        case height
        case numFrames = "num_frames"
        case numInferenceSteps = "num_inference_steps"
        case guidanceScale = "guidance_scale"
        case fps
        case seed
    }

    /// Later faults of a body with very many are left out.
    static let maxViolations = 50

    private(set) var draft = VideoRequest.Draft()
    private(set) var violations: [Violation] = []
    private var seen: Set<Field> = []

    /// Reads a body.
    ///
    /// A field that is `null` counts as left out.
    ///
    /// - Throws: if it is not a JSON object; faults of fields are in `violations`.
    init(_ body: [UInt8]) throws(MalformedJSON) {
        var reader = JSONReader(body)
        try reader.readObject { name, value in take(name, value) }
    }

    /// Parses the draft for a model.
    ///
    /// - Throws: every violation at once, those of types and names included.
    func request(for model: ModelDescription) throws(RequestRejection) -> VideoRequest {
        try VideoRequest(draft, for: model, after: violations)
    }

    private mutating func take(_ name: String, _ value: JSONValue) {
        guard let field = Field(rawValue: name) else { return refuse(unknown: name) }
        guard seen.insert(field).inserted else {
            return reject(name, .notAllowed, "\(name) is given twice.")
        }
        if value == .null { return }
        switch field {
        case .prompt: draft.prompt = text(value, name)
        case .negativePrompt: draft.negativePrompt = text(value, name)
        case .width: draft.width = whole(value, name)
        case .height: draft.height = whole(value, name)
        case .numFrames: draft.numFrames = whole(value, name)
        case .numInferenceSteps: draft.numInferenceSteps = whole(value, name)
        case .guidanceScale: draft.guidanceScale = number(value, name)
        case .fps: draft.fps = whole(value, name)
        case .seed: draft.seed = whole(value, name)
        }
    }

    private mutating func refuse(unknown name: String) {
        if name == "callback_url" {
            return reject(name, .notAllowed, "Callbacks are not supported by this version; poll the task instead.")
        }
        let shown = String(name.prefix(64))
        let hint = NearestName.of(name, among: Field.allCases.map(\.rawValue)).map { " Did you mean \($0)?" } ?? ""
        reject(shown, .unknownField, "There is no field \(shown).\(hint)")
    }

    private mutating func text(_ value: JSONValue, _ field: String) -> String? {
        if case .string(let text) = value { return text }
        reject(field, .wrongType, "\(field) must be a string; it is \(value.kind).")
        return nil
    }

    /// A number without a fraction, however it is spelt: `49`, `49.0` and `4.9e1` are equal in JSON.
    private mutating func whole(_ value: JSONValue, _ field: String) -> Int? {
        switch value {
        case .integer(let integer):
            return integer
        case .number(let number):
            if let integer = Int(exactly: number) { return integer }
            if number.rounded() == number {
                reject(field, .outOfRange, "\(field) is far out of range.")
            } else {
                reject(field, .wrongType, "\(field) must be a whole number; it has a fraction.")
            }
            return nil
        case .string, .bool, .null, .array, .object:
            reject(field, .wrongType, "\(field) must be a whole number; it is \(value.kind).")
            return nil
        }
    }

    private mutating func number(_ value: JSONValue, _ field: String) -> Double? {
        switch value {
        case .integer(let integer):
            return Double(integer)
        case .number(let number):
            if number.isFinite { return number }
            reject(field, .outOfRange, "\(field) is far out of range.")
            return nil
        case .string, .bool, .null, .array, .object:
            reject(field, .wrongType, "\(field) must be a number; it is \(value.kind).")
            return nil
        }
    }

    private mutating func reject(_ field: String, _ code: Violation.Code, _ message: String) {
        guard violations.count < Self.maxViolations else { return }
        violations.append(Violation(field: field, code: code, message: message))
    }
}

extension JSONValue {
    /// The kind of value, for people.
    fileprivate var kind: String {
        switch self {
        case .string: "a string"
        case .integer, .number: "a number"
        case .bool: "true or false"
        case .null: "null"
        case .array: "an array"
        case .object: "an object"
        }
    }
}
