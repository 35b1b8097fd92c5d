import ArgumentParser

/// `animato settings`: every setting there is, as the table of `docs/configuration.md`.
struct Settings: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "List every setting with its default.",
        discussion: """
            A table in Markdown: key, variable of the environment, what it accepts, default, what it does.

            Examples:
              animato settings
              animato settings | grep queue

            Exit codes: 0 printed.
            """
    )

    func run() {
        print(SettingsTable.markdown)
    }
}

extension SettingsTable {
    /// The table of the documentation.
    static var markdown: String {
        let head = "| Key | Environment | Accepts | Default | What it does |\n| --- | --- | --- | --- | --- |\n"
        return head
            + all.map { setting in
                let standard = setting.defaultText.isEmpty ? "" : "`\(setting.defaultText)`"
                return "| `\(setting.key)` | `\(setting.environmentName)` | \(setting.accepts) | \(standard) "
                    + "| \(setting.summary) |"
            }.joined(separator: "\n")
    }
}
