/// Everything that requests can be made with here.
package struct ModelCatalog: Sendable, Equatable {
    /// In the operator's order; the first that takes what a request brings is the default.
    package var models: [ModelDescription]
    package var loras: [LoRADescription]

    package init(models: [ModelDescription], loras: [LoRADescription] = []) {
        self.models = models
        self.loras = loras
    }

    /// The model of a name.
    package func model(named name: String) -> ModelDescription? {
        models.first { $0.name == name }
    }

    /// The model for a request that names one or none.
    ///
    /// - Parameters:
    ///   - name: what the client wrote.
    ///   - roles: what it brings.
    /// - Returns: the model, and what is wrong with the choice; `nil` only if there is no model at all.
    package func choice(of name: String?, bringing roles: Set<InputRole>) -> (ModelDescription, [Violation])? {
        guard let first = models.first else { return nil }
        guard let name else {
            if let fitting = models.first(where: { roles.isSubset(of: $0.inputs) }) { return (fitting, []) }
            let best = models.max { $0.inputs.intersection(roles).count < $1.inputs.intersection(roles).count } ?? first
            return (
                best, Self.violations(roles.subtracting(best.inputs), "No model here takes it with the other inputs.")
            )
        }
        guard let named = model(named: name) else {
            let known = models.map(\.name).joined(separator: ", ")
            let message = "There is no model of that name; there are \(known)."
            return (first, [Violation(field: "model", code: .notAllowed, message: message)])
        }
        return (named, Self.violations(roles.subtracting(named.inputs), "\(named.name) does not take it."))
    }

    private static func violations(_ roles: Set<InputRole>, _ reason: String) -> [Violation] {
        InputRole.allCases.filter(roles.contains).map { role in
            Violation(field: role.rawValue, code: .notAllowed, message: "\(role.rawValue): \(reason)")
        }
    }
}
