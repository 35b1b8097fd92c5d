/// Another name of a model.
package struct OpenAIModelAlias: Sendable, Hashable {
    /// What clients write.
    package let alias: String
    /// The name of the model that is meant.
    package let model: String

    /// Reads `alias=model`; `nil` for anything else.
    package init?(_ text: some StringProtocol) {
        let halves = text.split(separator: "=", omittingEmptySubsequences: false).map { String($0.trimmingSpace) }
        guard halves.count == 2, halves.allSatisfy({ !$0.isEmpty }) else { return nil }
        alias = halves[0]
        model = halves[1]
    }
}

extension APISettings {
    /// The name of the model that a client means, whether there is one of that name or not.
    func openAIModel(_ name: String) -> String {
        openAIModelAliases.first { $0.alias == name }?.model ?? name
    }
}
