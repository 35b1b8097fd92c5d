import ArgumentParser

/// The command `animato completion`: what a shell needs to complete this program's commands.
struct Completion: ParsableCommand {
    enum Shell: String, ExpressibleByArgument, CaseIterable {
        case bash
        case zsh
        case fish

        fileprivate var kind: CompletionShell {
            switch self {
            case .bash: .bash
            case .zsh: .zsh
            case .fish: .fish
            }
        }
    }

    static let configuration = CommandConfiguration(
        abstract: "Print a script that lets a shell complete commands.",
        discussion: """
            Examples:
              animato completion bash > ~/.local/share/bash-completion/completions/animato
              animato completion zsh > ~/.zfunc/_animato
              animato completion fish > ~/.config/fish/completions/animato.fish

            zsh looks in ~/.zfunc once ~/.zshrc has `fpath=(~/.zfunc $fpath)` before `compinit`.
            Exit codes: 0 printed.
            """
    )

    @Argument(help: "Of which shell.")
    var shell: Shell

    func run() {
        print(Animato.completionScript(for: shell.kind))
    }
}
