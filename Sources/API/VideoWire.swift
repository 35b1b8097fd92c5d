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
        case model
        case startImage = "start_image"
        case endImage = "end_image"
        case video
        case controlVideo = "control_video"
        case refImage = "ref_image"
        case strength
        case stepCache = "step_cache"
        case loras
        case degrade
        case minSteps = "min_steps"
        case minFrames = "min_frames"
        case minHeight = "min_height"
        case deterministic
        case priority
        case cache
        case callbackURL = "callback_url"
        case callbackEvents = "callback_events"
    }

    /// Later faults of a body with very many are left out.
    static let maxViolations = 50

    private(set) var draft = VideoRequest.Draft()
    /// The name of the model that is wanted; `nil`: the first that takes what is brought.
    private(set) var model: String?
    /// Where the files are that the request brings.
    private(set) var sources: [InputRole: MediaSource] = [:]
    /// `nil`: nothing was said.
    private(set) var priority: TaskPriority?
    private(set) var cache = CacheUse.use
    /// Whether it is to run alone.
    private(set) var isDeterministic = false
    private(set) var violations: [Violation] = []
    private var seen: Set<Field> = []
    private var callbackURL: CallbackURL?
    private var callbackEvents: Set<CallbackEvent>?
    private let policies: Policies
    /// Names that stand beside these fields where the body is not one of `POST /api/v1/generate`; for hints.
    private let otherNames: [String]

    /// Which addresses a body may name.
    struct Policies {
        /// To be called back.
        var callbacks = CallbackPolicy()
        /// To be fetched from.
        var media = CallbackPolicy()
    }

    /// Reads a body.
    ///
    /// A field that is `null` counts as left out.
    ///
    /// - Parameters:
    ///   - body: the whole text.
    ///   - policies: which addresses it may name.
    /// - Throws: if it is not a JSON object; faults of fields are in `violations`.
    init(_ body: [UInt8], policies: Policies) throws(MalformedJSON) {
        self.init(policies: policies)
        var reader = JSONReader(body)
        try reader.readObject { name, value in take(name, value) }
        finish()
    }

    /// Begins without a field, for a body that has other fields as well: `take` each that is one of these, then `finish`.
    init(policies: Policies, beside otherNames: [String] = []) {
        self.policies = policies
        self.otherNames = otherNames
    }

    /// Judges what only all the fields together show.
    mutating func finish() {
        if callbackEvents != nil, !seen.contains(.callbackURL) {
            reject(Field.callbackEvents.rawValue, .notAllowed, "callback_events means nothing without callback_url.")
        }
    }

    /// Whether a field was given, with whatever value.
    func has(_ field: Field) -> Bool { seen.contains(field) }

    /// What the request brings, readable or not.
    var roles: Set<InputRole> {
        Set(
            InputRole.allCases.filter { role in
                sources[role] != nil || violations.contains { $0.field == role.rawValue }
            }
        )
    }

    /// Where and of what the client wants to be told.
    ///
    /// - Parameter origin: what stands in front of our paths in this client's responses.
    /// - Returns: `nil` if it does not want to be told.
    func callback(origin: String) -> Callback? {
        callbackURL.map { Callback(url: $0, events: callbackEvents ?? CallbackEvent.ends, origin: origin) }
    }

    /// Takes the next field.
    mutating func take(_ name: String, _ value: JSONValue) {
        guard let field = Field(rawValue: name) else { return refuse(unknown: name) }
        guard seen.insert(field).inserted else {
            return reject(name, .notAllowed, "\(name) is given twice.")
        }
        if value == .null { return }
        do throws(FieldFault) {
            try take(field, value)
        } catch {
            reject(name, error.code, error.message)
        }
    }

    private mutating func take(_ field: Field, _ value: JSONValue) throws(FieldFault) {
        let name = field.rawValue
        switch field {
        case .prompt: draft.prompt = try value.text(name)
        case .negativePrompt: draft.negativePrompt = try value.text(name)
        case .width: draft.width = try value.whole(name)
        case .height: draft.height = try value.whole(name)
        case .numFrames: draft.numFrames = try value.whole(name)
        case .numInferenceSteps: draft.numInferenceSteps = try value.whole(name)
        case .guidanceScale: draft.guidanceScale = try value.number(name)
        case .fps: draft.fps = try value.whole(name)
        case .seed: draft.seed = try value.whole(name)
        case .model: model = try value.text(name)
        case .startImage: sources[.startImage] = try source(value, name)
        case .endImage: sources[.endImage] = try source(value, name)
        case .video: sources[.video] = try source(value, name)
        case .controlVideo: sources[.controlVideo] = try source(value, name)
        case .refImage: sources[.refImage] = try source(value, name)
        case .strength: draft.strength = try value.number(name)
        case .stepCache: draft.stepCache = try value.text(name)
        case .loras: draft.loras = try LoRAWire.loras(value, name)
        case .degrade: draft.degrade = try value.text(name)
        case .minSteps: draft.minSteps = try value.whole(name)
        case .minFrames: draft.minFrames = try value.whole(name)
        case .minHeight: draft.minHeight = try value.whole(name)
        case .deterministic: isDeterministic = try value.truth(name)
        case .priority: priority = try value.word(name)
        case .cache: cache = try value.word(name)
        case .callbackURL: callbackURL = try receiver(value, name)
        case .callbackEvents: callbackEvents = try events(value, name)
        }
    }

    private func source(_ value: JSONValue, _ field: String) throws(FieldFault) -> MediaSource {
        try MediaSource(value, field, urls: policies.media)
    }

    private func receiver(_ value: JSONValue, _ field: String) throws(FieldFault) -> CallbackURL {
        let text = try value.text(field)
        do throws(CallbackRefusal) {
            return try CallbackURL(text, policy: policies.callbacks)
        } catch {
            throw FieldFault(.notAllowed, "\(field): \(error.message)")
        }
    }

    private func events(_ value: JSONValue, _ field: String) throws(FieldFault) -> Set<CallbackEvent> {
        var events: Set<CallbackEvent> = []
        for element in try value.elements(field) {
            guard case .string(let text) = element else {
                throw FieldFault(.wrongType, "\(field) must hold strings; one is \(element.kind).")
            }
            guard let event = CallbackEvent(rawValue: text) else {
                let known = CallbackEvent.allCases.map(\.rawValue).joined(separator: ", ")
                throw FieldFault(.notAllowed, "\(field) must hold some of \(known).")
            }
            guard events.insert(event).inserted else {
                throw FieldFault(.notAllowed, "\(field) names \(text) twice.")
            }
        }
        guard !events.isEmpty else { throw FieldFault(.empty, "\(field) must not be empty.") }
        return events
    }

    private mutating func refuse(unknown name: String) {
        let shown = String(name.prefix(64))
        let known = Field.allCases.map(\.rawValue) + otherNames
        let hint = NearestName.of(name, among: known).map { " Did you mean \($0)?" } ?? ""
        reject(shown, .unknownField, "There is no field \(shown).\(hint)")
    }

    /// Adds to what is wrong.
    mutating func reject(_ field: String, _ code: Violation.Code, _ message: String) {
        guard violations.count < Self.maxViolations else { return }
        violations.append(Violation(field: field, code: code, message: message))
    }
}
