import API
import Access
import Foundation
import Logging
import Scheduling
import Tasks
import Webhooks

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
    static let all: [Setting] = doors + storage + callbacksAndEngines + scheduling + telemetry + celery

    private static let doors: [Setting] = [
        .text(
            "http.host",
            \.http.host,
            "The address to listen on. Beyond loopback only with a key, or with http.insecure."
        ),
        .bool(
            "http.insecure",
            \.isInsecure,
            "Whether the server may listen beyond loopback although nobody needs a key: then whoever reaches it may do all."
        ),
        .secret(
            "access.adminKey",
            \.access.adminKey,
            minLength: 20,
            "A key that may do everything, beside those that are stored. With it the server asks for keys."
        ),
        .integer("access.maxKeys", \.access.maxKeys, 1...1_000_000, "Keys there may be, revoked ones included."),
        .integer("http.port", \.http.port, 0...65535, "The port to listen on; 0 lets the system choose."),
        .optionalOrigin(
            "http.publicURL",
            \.http.publicURL,
            "What clients put in front of our paths, for addresses in responses; empty: the Host of each request."
        ),
        .optionalText(
            "http.tlsCertificate",
            \.http.tlsCertificate,
            "A PEM file with the server's certificate and those up to an authority. Nothing: connections without TLS."
        ),
        .optionalText("http.tlsKey", \.http.tlsKey, "A PEM file with the certificate's key, without a pass phrase."),
        .optionalDuration(
            "http.hsts",
            \.http.hsts,
            "For how long browsers are told to use nothing but TLS (Strict-Transport-Security). Nothing: not told."
        ),
        .values(
            "http.corsOrigins",
            \.http.corsOrigins,
            accepts: "list of origins like https://studio.example.org, or *, or nothing",
            "Pages of which origins may use the API from a browser; * is every one. Nothing: those of this server."
        ) {
            $0 == "*" || WebOrigin.isValid($0) ? $0 : nil
        },
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
        .integer(
            "http.maxStreams",
            \.http.maxStreams,
            0...100_000,
            "Clients that follow a task or wait for its end; further ones get 503 and can poll."
        ),
        .integer(
            "http.maxWait",
            \.http.maxWaitSeconds,
            0...600,
            "How many seconds a client may have the end of a task waited for, instead of asking again."
        ),
        .duration(
            "http.heartbeat",
            \.http.heartbeat,
            1...3600,
            "How often a stream of events on which nothing happens gets a sign of life."
        ),
        .duration(
            "http.retryAfter",
            \.http.retryAfter,
            1...3600,
            "What Retry-After says when the queue is full or a part of the server is not there."
        ),
        .secret(
            "http.videoLinkSecret",
            \.http.videoLinkSecret,
            minLength: 32,
            "Signs the addresses of videos; then only signed ones are answered. Nothing: video-links.secret in the data directory while the server asks for keys, else no signature."
        ),
        .duration(
            "http.videoLinkLifetime",
            \.http.videoLinkLifetime,
            1...31_536_000,
            "How long a signed address is good for, at least."
        ),
        .values(
            "http.openAIModelAliases",
            \.http.openAIModelAliases,
            accepts: "list of alias=model, as in sora-2=EasyAnimateV5.1-12b-zh, or nothing",
            "Other names that models have under /v1, for clients that name those they know.",
            parse: { OpenAIModelAlias($0) }
        ),
        .optionalInteger(
            "metrics.port",
            \.metrics.port,
            1...65535,
            "A port that answers /metrics without a key, for a network that is private. Nothing: only http.port does."
        ),
        .text("metrics.host", \.metrics.host, "The address of that port."),
    ]

    private static let callbacksAndEngines: [Setting] = [
        .values(
            "callbacks.secrets",
            \.callbackSecrets,
            accepts: "list of whsec_ and base64 of 24 to 64 bytes, or nothing",
            isSecret: true,
            "What callbacks are signed with, all of them at once, for rotation. Nothing: callback.secret in the data directory.",
            parse: { WebhookSecret($0) }
        ),
        .bool("callbacks.allowHTTP", \.http.callbacks.allowsHTTP, "Whether callback addresses may be http."),
        .values(
            "callbacks.allowedNetworks",
            \.http.callbacks.allowedNetworks,
            accepts: "list of networks like 10.20.0.0/16, or nothing",
            "Networks that may be called back although they are not public.",
            parse: { IPNetwork($0) }
        ),
        .optionalText(
            "callbacks.trustRoots",
            \.callbackTrustRoots,
            "A PEM file of certificate authorities that receivers may use beside those of the system."
        ),
        .duration(
            "callbacks.timeout",
            \.callbacks.timeout,
            1...300,
            "How long a receiver may take to answer."
        ),
        .integer("callbacks.concurrency", \.callbacks.concurrency, 1...10_000, "Deliveries at the same time."),
        .integer(
            "callbacks.receiverConcurrency",
            \.callbacks.receiverConcurrency,
            1...1000,
            "Deliveries to one receiver at the same time."
        ),
        .text("engine.python", \.engine.python, "The Python with the engine package: a path, or a name in PATH."),
        .list(
            "engine.models",
            \.engine.models,
            accepts: "list of checkpoint directories and hub ids, none twice",
            "Diffusers checkpoints. The first that takes what a request brings is the default."
        ),
        .optionalText("engine.loras", \.engine.loras, "A folder of LoRA files (safetensors) that requests may name."),
        .choice(
            "engine.memoryMode",
            ["auto"] + MemoryMode.allCases.map(\.rawValue),
            \.memoryModeName,
            "How models are held in memory; auto is the fastest that is known to fit the device and the request."
        ),
        .optionalText("engine.compile", \.engine.compile, "The backend of torch.compile. Nothing: not compiled."),
        .integer(
            "engine.checkpointSteps",
            \.scheduling.checkpointSteps,
            0...1000,
            "After how many steps a generation is saved, to go on from there after a crash; 0 for never."
        ),
        .integer(
            "engine.previewSteps",
            \.scheduling.previewSteps,
            0...1000,
            "After how many steps a preview is made, if that takes less than a hundredth of the time; 0 for never."
        ),
        .list(
            "engine.devices",
            \.engine.devices,
            accepts: "list of auto, cpu, cuda:0, …, none twice",
            "Where engines run; auto is on every GPU, or on the processor where there is none."
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
        .choice(
            "log.format",
            LogFormat.allCases.map(\.rawValue),
            \.logFormatName,
            "How a line of the log looks: for people, or one JSON object for programs."
        ),
    ]

    /// By key.
    static let byKey = Dictionary(uniqueKeysWithValues: all.map { ($0.key, $0) })
    /// By name in the environment.
    static let byEnvironmentName = Dictionary(uniqueKeysWithValues: all.map { ($0.environmentName, $0) })
}
