import Tasks

/// A field of a form, with the value that a JSON body would have.
struct OpenAIFormField: Equatable {
    let name: String
    let value: JSONValue

    /// Reads what a form has, where everything is text.
    ///
    /// - Parameters:
    ///   - name: as the form spells it; `[]` and `[member]` behind it are for lists and objects.
    ///   - text: as it came.
    init(name: String, text: String) {
        self.name = name
        value = Self.isText(name) ? .string(text) : Self.value(text)
    }

    private init(name: String, value: JSONValue) {
        self.name = name
        self.value = value
    }

    /// Fields whose parts lie apart in the form, put together.
    static func joined(_ fields: [OpenAIFormField]) -> [OpenAIFormField] {
        var joined: [OpenAIFormField] = []
        var lists: [String: [JSONValue]] = [:]
        var reference: [JSONMember] = []
        for field in fields {
            if let member = OpenAIVideoWire.formNames[field.name] {
                reference.append(JSONMember(name: member, value: field.value))
            } else if field.name.hasSuffix("[]") {
                lists[String(field.name.dropLast(2)), default: []].append(field.value)
            } else {
                joined.append(field)
            }
        }
        for (name, values) in lists.sorted(by: { $0.key < $1.key }) {
            joined.append(OpenAIFormField(name: name, value: .array(values)))
        }
        if !reference.isEmpty {
            let name = OpenAIVideoWire.Field.inputReference.rawValue
            joined.append(OpenAIFormField(name: name, value: .object(reference)))
        }
        return joined
    }

    /// Whether a value of this field is a text in JSON as well, so that nothing in it means anything else.
    private static func isText(_ name: String) -> Bool {
        switch VideoWire.Field(rawValue: name) {
        case .prompt, .negativePrompt, .model, .startImage, .endImage, .video, .controlVideo, .refImage, .stepCache,
            .degrade, .priority, .cache, .callbackURL, nil:
            true
        case .width, .height, .numFrames, .numInferenceSteps, .guidanceScale, .fps, .seed, .strength, .loras, .minSteps,
            .minFrames, .minHeight, .deterministic, .callbackEvents:
            false
        }
    }

    /// A number, a list and so on as JSON spells them; what is none of these is a text, which the field will refuse.
    private static func value(_ text: String) -> JSONValue {
        var reader = JSONReader(Array(text.utf8))
        do throws(MalformedJSON) { return try reader.readValue() } catch { return .string(text) }
    }
}
