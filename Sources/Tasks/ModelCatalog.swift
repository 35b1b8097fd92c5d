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
        guard let name else { return choice(bringing: roles) }
        if let named = model(named: name) {
            let refused = roles.subtracting(named.inputs)
            return (named, Self.violations(refused) { _ in "\(named.name) does not take it." })
        }
        let known = models.map(\.name).joined(separator: ", ")
        let message = "There is no model of that name; there are \(known)."
        // So that what else is wrong is found as well.
        return choice(bringing: roles).map { model, violations in
            (model, [Violation(field: "model", code: .notAllowed, message: message)] + violations)
        }
    }

    private func choice(bringing roles: Set<InputRole>) -> (ModelDescription, [Violation])? {
        if let fitting = models.first(where: { roles.isSubset(of: $0.inputs) }) { return (fitting, []) }
        return models.max { $0.inputs.intersection(roles).count < $1.inputs.intersection(roles).count }.map { best in
            let violations = Self.violations(roles.subtracting(best.inputs)) { role in
                models.contains { $0.inputs.contains(role) }
                    ? "No model here takes it with the other inputs." : "No model here takes it."
            }
            return (best, violations)
        }
    }

    private static func violations(
        _ roles: Set<InputRole>,
        because reason: (InputRole) -> String
    ) -> [Violation] {
        InputRole.allCases.filter(roles.contains).map { role in
            Violation(field: role.rawValue, code: .notAllowed, message: "\(role.rawValue): \(reason(role))")
        }
    }
}
