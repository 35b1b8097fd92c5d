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
        case cache
        case callbackURL = "callback_url"
        case callbackEvents = "callback_events"
    }

    /// Later faults of a body with very many are left out.
    static let maxViolations = 50

    private(set) var draft = VideoRequest.Draft()
    private(set) var cache = CacheUse.use
    private(set) var violations: [Violation] = []
    private var seen: Set<Field> = []
    private var callbackURL: CallbackURL?
    private var callbackEvents: Set<CallbackEvent>?
    private let callbacks: CallbackPolicy

    /// Reads a body.
    ///
    /// A field that is `null` counts as left out.
    ///
    /// - Parameters:
    ///   - body: the whole text.
    ///   - callbacks: which addresses may be called back.
    /// - Throws: if it is not a JSON object; faults of fields are in `violations`.
    init(_ body: [UInt8], callbacks: CallbackPolicy) throws(MalformedJSON) {
        self.callbacks = callbacks
        var reader = JSONReader(body)
        try reader.readObject { name, value in take(name, value) }
        if callbackEvents != nil, !seen.contains(.callbackURL) {
            reject(Field.callbackEvents.rawValue, .notAllowed, "callback_events means nothing without callback_url.")
        }
    }

    /// Parses the draft for a model.
    ///
    /// - Throws: every violation at once, those of types and names included.
    func request(for model: ModelDescription) throws(RequestRejection) -> VideoRequest {
        try VideoRequest(draft, for: model, after: violations)
    }

    /// Where and of what the client wants to be told.
    ///
    /// - Parameter origin: what stands in front of our paths in this client's responses.
    /// - Returns: `nil` if it does not want to be told.
    func callback(origin: String) -> Callback? {
        callbackURL.map { Callback(url: $0, events: callbackEvents ?? CallbackEvent.ends, origin: origin) }
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
        case .cache: takeCache(value, name)
        case .callbackURL: takeCallbackURL(value, name)
        case .callbackEvents: takeCallbackEvents(value, name)
        }
    }

    private mutating func takeCache(_ value: JSONValue, _ field: String) {
        guard let text = text(value, field) else { return }
        guard let use = CacheUse(rawValue: text) else {
            let known = CacheUse.allCases.map(\.rawValue).joined(separator: ", ")
            return reject(field, .notAllowed, "\(field) must be one of \(known).")
        }
        cache = use
    }

    private mutating func takeCallbackURL(_ value: JSONValue, _ field: String) {
        guard let text = text(value, field) else { return }
        do throws(CallbackRefusal) {
            callbackURL = try CallbackURL(text, policy: callbacks)
        } catch {
            reject(field, .notAllowed, "\(field): \(error.message)")
        }
    }

    private mutating func takeCallbackEvents(_ value: JSONValue, _ field: String) {
        guard case .array(let elements) = value else {
            return reject(field, .wrongType, "\(field) must be an array; it is \(value.kind).")
        }
        var events: Set<CallbackEvent> = []
        for element in elements {
            guard case .string(let text) = element else {
                return reject(field, .wrongType, "\(field) must hold strings; one is \(element.kind).")
            }
            guard let event = CallbackEvent(rawValue: text) else {
                let known = CallbackEvent.allCases.map(\.rawValue).joined(separator: ", ")
                return reject(field, .notAllowed, "\(field) must hold some of \(known).")
            }
            guard events.insert(event).inserted else {
                return reject(field, .notAllowed, "\(field) names \(text) twice.")
            }
        }
        guard !events.isEmpty else { return reject(field, .empty, "\(field) must not be empty.") }
        callbackEvents = events
    }

    private mutating func refuse(unknown name: String) {
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
