import ArgumentParser
import Foundation
import Testing

@testable import Server

/// `docs/cli.md`, as far as it can be compared with the program.
private struct CommandDocument {
    let text: String

    init() throws {
        let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../../docs/cli.md")
        text = try String(contentsOf: file, encoding: .utf8)
    }

    private var lines: [Substring] { text.split(separator: "\n") }

    /// The commands that have a section.
    var commands: [String] {
        lines.filter { $0.hasPrefix("### `") }.map { String($0.dropFirst(5).dropLast()) }
    }

    /// The rows of the table of exit codes.
    var exitCodes: [[String]] {
        lines.drop { $0 != "## Exit codes" }.drop { !$0.hasPrefix("| 0") }.prefix { $0.hasPrefix("|") }
            .map { $0.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) } }
    }

    /// The command lines of the examples, without what a shell makes of the rest of a line.
    var examples: [String] {
        lines.filter { $0.hasPrefix("animato ") }.map { $0.components(separatedBy: " > ")[0] }
    }
}

@Suite("The documentation of the commands")
struct CommandDocumentTests {
    private func names(_ command: any ParsableCommand.Type, after prefix: String = "") -> [String] {
        let name = prefix + (command.configuration.commandName ?? String(describing: command).lowercased())
        return [name] + command.configuration.subcommands.flatMap { names($0, after: name + " ") }
    }

    private func commands(_ command: any ParsableCommand.Type = Animato.self) -> [any ParsableCommand.Type] {
        [command] + command.configuration.subcommands.flatMap { commands($0) }
    }

    /// What a shell makes of a line without anything but words and double quotes.
    private func words(_ line: String) -> [String] {
        line.components(separatedBy: "\"").enumerated().flatMap { index, part in
            index % 2 == 1 ? [part] : part.split(separator: " ").map(String.init)
        }
    }

    @Test("Every command has a section, and every section a command")
    func sections() throws {
        #expect(Set(try CommandDocument().commands) == Set(names(Animato.self).dropFirst()))
    }

    @Test("The exit codes are those of the program")
    func exitCodes() throws {
        #expect(try CommandDocument().exitCodes == Exit.meanings.map { [String($0.code.rawValue), $0.meaning] })
    }

    @Test("The program takes every example")
    func examples() throws {
        let examples = try CommandDocument().examples
        #expect(examples.count > 20)
        for example in examples {
            #expect(throws: Never.self, "\(example)") {
                _ = try Animato.parseAsRoot(Array(words(example).dropFirst()))
            }
        }
    }

    @Test("The help of every command that does something has an abstract, and says its exit codes or an example")
    func help() {
        for command in commands() {
            #expect(!command.configuration.abstract.isEmpty, "\(command)")
            guard command.configuration.subcommands.isEmpty else { continue }
            #expect(command.configuration.discussion.contains("Example"), "\(command)")
        }
    }

    @Test("The program takes every example of its own help")
    func helpExamples() {
        for command in commands() {
            let lines = command.configuration.discussion.split(separator: "\n")
                .map { $0.trimmingCharacters(in: .whitespaces) }.filter { $0.hasPrefix("animato ") }
            for line in lines where command != Animato.self {
                let example = line.components(separatedBy: " | ")[0].components(separatedBy: " > ")[0]
                #expect(throws: Never.self, "\(example)") {
                    _ = try Animato.parseAsRoot(Array(words(example).dropFirst()))
                }
            }
        }
    }
}
