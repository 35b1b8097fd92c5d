import API
import ArgumentParser
import Foundation

/// The command `animato keys`: who may use a server.
struct Keys: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make, list, change and revoke the keys of a server.",
        discussion: """
            With --server a running server is asked, which takes a key with the scope admin (--key, or ANIMATO_KEY). Without
            it the keys in the data directory are changed, for which no server may be running on it.
            A key is printed once, when it is made, and is not kept anywhere. From the first key on a server asks for keys.
            Exit codes: 0 done, 1 refused, 69 no server answers or one is running on the data directory, 78 the settings are
            wrong.
            """,
        subcommands: [Create.self, List.self, Show.self, Edit.self, Rotate.self, Revoke.self]
    )

    /// The command `animato keys create`.
    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a key and print it.",
            discussion: """
                The first key must have --scope admin, unless access.adminKey is set.

                Examples:
                  animato keys create operator --scope admin --data var/data
                  animato keys create shop --server http://127.0.0.1:5000 --tenant shop --waiting 100 --running 2
                  animato keys create trial --expires-in 30d --max-priority batch
                """
        )

        @Argument(help: "What it is for, for people.")
        var name: String

        @OptionGroup var traits: KeyTraits

        @Option(help: "Whose tasks it sees and makes; default: its own alone.")
        var tenant: String?

        @Flag(help: "Sign callbacks of its tasks with a secret of its own, printed on the second line.")
        var callbackSecret = false

        @Flag(help: "Print all that is known of it as JSON.")
        var json = false

        @OptionGroup var target: KeysTarget

        func run() async throws {
            var body = try traits.body(over: nil)
            body["name"] = name
            if let tenant { body["tenant"] = tenant }
            if callbackSecret { body["callback_secret"] = true }
            let answer = try await target.carryOut(.create(try KeyTraits.encoded(body)))
            try KeyPrinter(json).printIssued(answer)
        }
    }

    /// The command `animato keys list`.
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the keys, the newest first.",
            discussion: """
                Examples:
                  animato keys list
                  animato keys list --server http://127.0.0.1:5000 --json
                """
        )

        @Flag(help: "Print JSON.")
        var json = false

        @OptionGroup var target: KeysTarget

        func run() async throws {
            try KeyPrinter(json).printList(try await target.carryOut(.list))
        }
    }

    /// The command `animato keys show`.
    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show a key, all but its secret.",
            discussion: """
                Example:
                  animato keys show 3sLpWq8ZrT0v
                """
        )

        @OptionGroup var id: KeyIDArgument

        @Flag(help: "Print JSON.")
        var json = false

        @OptionGroup var target: KeysTarget

        func run() async throws {
            try KeyPrinter(json).printKey(try await target.carryOut(.show(id.value)))
        }
    }

    /// The command `animato keys edit`.
    struct Edit: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Change what a key may.",
            discussion: """
                What is not named stays as it is. A limit of `none` is taken away, as is an end of `never`.

                Examples:
                  animato keys edit 3sLpWq8ZrT0v --max-priority normal --waiting 50
                  animato keys edit 3sLpWq8ZrT0v --running none --expires-in never
                """
        )

        @OptionGroup var id: KeyIDArgument

        @Option(help: "What it is for, for people.")
        var name: String?

        @OptionGroup var traits: KeyTraits

        @Flag(help: "Print JSON.")
        var json = false

        @OptionGroup var target: KeysTarget

        func run() async throws {
            // Limits are set all at once: those that are not named are those it has.
            let known = traits.limits.isEmpty ? nil : try await target.carryOut(.show(id.value))
            var body = try traits.body(over: known)
            if let name { body["name"] = name }
            try KeyPrinter(json).printKey(
                try await target.carryOut(.edit(id.value, try KeyTraits.encoded(body)))
            )
        }
    }

    /// The command `animato keys rotate`.
    struct Rotate: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Give a key a new secret and print it.",
            discussion: """
                The one so far goes on for a day, or for as long as --grace says.

                Examples:
                  animato keys rotate 3sLpWq8ZrT0v --grace 12h
                  animato keys rotate 3sLpWq8ZrT0v --callback-secret
                """
        )

        @OptionGroup var id: KeyIDArgument

        @Option(help: ArgumentHelp("How long the secret so far goes on, as in 0s, 12h, 7d.", valueName: "time"))
        var grace: LifeSpan?

        @Flag(help: "Give it a new secret for callbacks as well, printed on the second line.")
        var callbackSecret = false

        @Flag(help: "Print JSON.")
        var json = false

        @OptionGroup var target: KeysTarget

        func run() async throws {
            var body: [String: Any] = [:]
            if let grace { body["grace_seconds"] = grace.seconds }
            if callbackSecret { body["callback_secret"] = true }
            let answer = try await target.carryOut(.rotate(id.value, try KeyTraits.encoded(body)))
            try KeyPrinter(json).printIssued(answer)
        }
    }

    /// The command `animato keys revoke`.
    struct Revoke: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "End a key for good.",
            discussion: """
                Its tasks stay, and go on.

                Example:
                  animato keys revoke 3sLpWq8ZrT0v
                """
        )

        @OptionGroup var id: KeyIDArgument

        @Flag(help: "Print JSON.")
        var json = false

        @OptionGroup var target: KeysTarget

        func run() async throws {
            try KeyPrinter(json).printKey(try await target.carryOut(.revoke(id.value)))
        }
    }
}
