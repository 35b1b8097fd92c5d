import Tasks

/// The LoRAs of a request: `[{"name": "film", "scale": 0.8}]`.
enum LoRAWire {
    private static let members = ["name", "scale"]

    /// Reads the field.
    ///
    /// - Parameters:
    ///   - value: what the field holds.
    ///   - field: its name.
    /// - Returns: one for each entry, of those that `JSONReader` keeps.
    /// - Throws: the first thing that is wrong with it.
    static func loras(_ value: JSONValue, _ field: String) throws(FieldFault) -> [VideoRequest.Draft.LoRA] {
        var loras: [VideoRequest.Draft.LoRA] = []
        for element in try value.elements(field) { loras.append(try lora(element, field)) }
        return loras
    }

    private static func lora(_ value: JSONValue, _ field: String) throws(FieldFault) -> VideoRequest.Draft.LoRA {
        guard case .object(let members) = value else {
            throw FieldFault(.wrongType, "\(field) must hold objects; one is \(value.kind).")
        }
        var given: [String: JSONValue] = [:]
        for member in members {
            guard Self.members.contains(member.name) else {
                let hint = NearestName.of(member.name, among: Self.members).map { " Did you mean \($0)?" } ?? ""
                throw FieldFault(.unknownField, "\(field) holds no \(member.name.prefix(64)).\(hint)")
            }
            guard given.updateValue(member.value, forKey: member.name) == nil else {
                throw FieldFault(.notAllowed, "\(field): \(member.name) is given twice.")
            }
        }
        guard let name = given["name"], name != .null else {
            throw FieldFault(.required, "\(field): every entry needs a name.")
        }
        let scale = given["scale"] ?? .null
        return VideoRequest.Draft.LoRA(
            name: try name.text("\(field): name"),
            scale: scale == .null ? 1 : try scale.number("\(field): scale")
        )
    }
}
