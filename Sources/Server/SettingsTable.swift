import API
import Foundation
import Logging
import Scheduling
import Tasks
import TasksSQLite

/// One setting: its key, what it accepts, and where its value goes.
struct Setting: Sendable {
    /// Dotted, as in the settings file: `http.port`.
    var key: String
    /// What is accepted, for people.
    var accepts: String
    var summary: String
    /// The value in effect where nobody says otherwise, as it would be written.
    var defaultText: String
    /// Whether a value must never be shown.
    var isSecret = false
    /// Reads a value and puts it into the configuration.
    var apply: @Sendable (String, inout ServerConfiguration) throws(InvalidSetting) -> Void

    /// The name in the environment: `ANIMATO_HTTP_PUBLIC_URL` for `http.publicURL`.
    var environmentName: String {
        var name = "ANIMATO_"
        var last: Character = "_"
        for character in key {
            // A word begins at a capital after a small letter, so that URL stays one word.
            if character.isUppercase, last.isLowercase { name += "_" }
            name += character == "." ? "_" : character.uppercased()
            last = character
        }
        return name
    }
}

/// A text that is no value of its setting.
struct InvalidSetting: Error, Equatable {
    /// What it should have been.
    var expected: String
}

/// Every setting there is.
///
/// `docs/configuration.md` is made from it, and a test compares the two.
enum SettingsTable {
    static let all: [Setting] = [
        .text(
            "http.host", \.http.host, "The address to listen on. There is no authentication yet: keep it on loopback."),
        .integer("http.port", \.http.port, 0...65535, "The port to listen on; 0 lets the system choose."),
        .optionalOrigin(
            "http.publicURL",
            \.http.publicURL,
            "What clients put in front of our paths, for addresses in responses; empty: the Host of each request."
        ),
        .integer("http.maxBodyBytes", \.http.maxBodyBytes, 1024...16_777_216, "Limit of a request body, in bytes."),
        .duration(
            "http.idleTimeout",
            \.http.idleTimeout,
            1...3600,
            "A connection on which nothing moves for this long is closed."
        ),
        .duration(
            "http.bodyDeadline",
            \.http.bodyDeadline,
            1...3600,
            "From the head of a request until the last byte of its body."
        ),
        .integer("http.maxConnections", \.http.maxConnections, 1...100_000, "Connections served at the same time."),
        .duration(
            "http.retryAfter",
            \.http.retryAfter,
            1...3600,
            "What Retry-After says when the queue is full or a part of the server is not there."
        ),
        .text("data.directory", \.dataDirectory, "Where tasks and videos are kept. One server a directory."),
        .integer("store.readers", \.store.readers, 1...64, "Threads that read the task database."),
        .integer(
            "store.waitingWrites",
            \.store.waitingWrites,
            1...1_000_000,
            "Writes that may wait for the disk; further requests get 503."
        ),
        .integer("store.cachedTasks", \.store.cachedTasks, 0...10_000_000, "Tasks kept in memory for polls."),
        .integer(
            "queue.limit",
            \.scheduling.queueLimit,
            1...10_000_000,
            "Generations that may wait; further requests get 429."
        ),
        .integer(
            "queue.maxFailures",
            \.scheduling.retries.maxFailures,
            1...100,
            "Attempts that may fail before the task does."
        ),
        .duration(
            "queue.drainTimeout",
            \.scheduling.drainTimeout,
            0...86_400,
            "How long a running generation may go on at shutdown; then it waits for the next start."
        ),
        .text("engine.python", \.engine.python, "The Python with the engine package: a path, or a name in PATH."),
        .text("engine.model", \.engine.model, "A diffusers checkpoint directory, or the id of one on the hub."),
        .list(
            "engine.devices",
            \.engine.devices,
            accepts: "list of auto, cpu, cuda:0, …, none twice",
            "The devices that get an engine each; auto is the first GPU, or the processor where there is none."
        ),
        .choice(
            "engine.dtype",
            ["auto", "float32", "float16", "bfloat16"],
            \.engine.dtype,
            "The type of weights and activations; auto is half precision on a GPU and float32 on the processor."
        ),
        .integer("engine.threads", \.engine.threads, 1...1024, "Threads of an engine for work on the processor."),
        .optionalNumber(
            "engine.timedStepSeconds",
            \.engine.timedStepSeconds,
            0...3600,
            "No model at all: a test pattern after so many seconds a step. For tests and benchmarks only."
        ),
        .choice(
            "log.level",
            Logger.Level.allCases.map(\.rawValue),
            \.logLevelName,
            "The least severe messages that are logged."
        ),
    ]

    /// By key.
    static let byKey = Dictionary(uniqueKeysWithValues: all.map { ($0.key, $0) })
    /// By name in the environment.
    static let byEnvironmentName = Dictionary(uniqueKeysWithValues: all.map { ($0.environmentName, $0) })
}
