import API
import Engine
import Foundation
import Logging
import Results
import Scheduling
import Tasks
import TasksSQLite
import Webhooks

/// Every setting of the server, each room's in its own struct.
///
/// Filled by `SettingsReader`, from `SettingsTable`.
struct ServerConfiguration: Sendable, Equatable {
    var http = APISettings()
    var store = SQLiteTaskStoreSettings()
    var scheduling = SchedulingSettings(software: "Animato \(Version.current)")
    var memoryLevel = MemoryLevelSettings()
    var s3 = S3Configuration()
    var retention = RetentionSettings()
    var uploads = UploadSettings()
    var mediaFetch = MediaFetchSettings()
    var callbacks = WebhookSettings()
    /// What callbacks are signed with, the newest first; empty: one that the server makes itself.
    var callbackSecrets: [WebhookSecret] = []
    /// A PEM file of authorities that receivers' certificates may be of, beside the system's.
    var callbackTrustRoots: String?
    /// Where everything durable is kept.
    var dataDirectory = "var/data"
    var engine = EngineConfiguration()
    /// The least severe messages that are logged; always the name of a level.
    var logLevelName = Logger.Level.info.rawValue

    /// `scheduling.memoryMode` by its name, or `auto`.
    var memoryModeName: String {
        get { scheduling.memoryMode?.rawValue ?? "auto" }
        set { scheduling.memoryMode = MemoryMode(rawValue: newValue) }
    }

    var logLevel: Logger.Level { Logger.Level(rawValue: logLevelName) ?? .info }

    /// What the engines are told.
    struct EngineConfiguration: Sendable, Equatable {
        var python = ".venv/bin/python"
        /// Checkpoint directories or hub ids; the first that takes what a request brings is the default.
        var models = [
            "var/models/easyanimate-tiny", "var/models/easyanimate-tiny-InP", "var/models/easyanimate-tiny-Control",
        ]
        /// A folder of LoRA files that requests may name.
        var loras: String?
        /// A backend of `torch.compile`.
        var compile: String?
        /// The devices that get an engine each.
        var devices = ["auto"]
        var dtype = "auto"
        /// 1: with more, small models on a busy machine lose more to waiting threads than they gain.
        var threads = 1
        /// Instead of a model: seconds a step of the engine that only pretends.
        ///
        /// `nil` everywhere but in tests.
        var timedStepSeconds: Double?
    }

    /// Object storage for videos, in place of the data directory.
    struct S3Configuration: Sendable, Equatable {
        /// One at most; none: AWS.
        var endpoints: [S3Endpoint] = []
        var region = "us-east-1"
        /// `nil`: videos are kept in the data directory.
        var bucket: String?
        var prefix: String?
        var accessKey: String?
        var secretKey: String?
        var usesPathStyle = false
        var linkLifetime: Duration = .seconds(900)

        /// What there is too little of; `nil` if nothing is missing.
        var fault: String? {
            bucket != nil && settings == nil ? "needs s3.accessKey and s3.secretKey, and one s3.endpoint at most" : nil
        }

        /// `nil` without a bucket, or where something is missing.
        var settings: S3Settings? {
            guard let bucket, let accessKey, let secretKey, endpoints.count <= 1,
                let endpoint = endpoints.first ?? S3Endpoint("https://s3.amazonaws.com")
            else { return nil }
            return S3Settings(
                endpoint: endpoint,
                region: region,
                bucket: bucket,
                prefix: prefix ?? "",
                credentials: S3Credentials(accessKey: accessKey, secretKey: secretKey),
                usesPathStyle: usesPathStyle,
                linkLifetime: linkLifetime
            )
        }
    }

    /// The settings of the HTTP server, those among them that other parts share.
    var api: APISettings {
        var settings = http
        settings.maxUploadBytes = uploads.maxBytes
        settings.mediaURLs = http.callbacks
        return settings
    }

    /// The installation that makes stills and looks into uploads; no model is loaded for that.
    var mediaSettings: EngineSettings {
        engineSettings.first ?? EngineSettings(source: .models(engine.models), environment: [:])
    }

    /// The settings of each engine.
    var engineSettings: [EngineSettings] {
        engine.devices.map { device in
            var settings = EngineSettings(
                source: engine.timedStepSeconds.map { .timed(stepSeconds: $0) } ?? .models(engine.models),
                environment: ProcessInfo.processInfo.environment
            )
            settings.python = engine.python
            settings.device = device
            settings.dtype = engine.dtype
            settings.threads = engine.threads
            settings.loras = engine.loras
            settings.compile = engine.compile
            return settings
        }
    }
}
