import API
import Access
import Engine
import Foundation
import Logging
import Redis
import Results
import Scheduling
import Tasks
import TasksRedis
import TasksSQLite
import Telemetry
import Webhooks

/// Every setting of the server, each room's in its own struct.
///
/// Filled by `SettingsReader`, from `SettingsTable`.
struct ServerConfiguration: Sendable, Equatable {
    var http = APISettings()
    var access = AccessSettings()
    /// Whether anybody may be let in from other machines without a key.
    var isInsecure = false
    var metrics = MetricsConfiguration()
    var store = SQLiteTaskStoreSettings()
    /// The Redis that several processes share; `nil`: a database in the data directory, for this process alone.
    var redis: RedisURL?
    /// Its aging is that of `store`.
    var redisStore = RedisStoreSettings()
    /// A PEM file of authorities that the certificate of Redis may be of, in place of the system's.
    var redisTrustRoots: String?
    var scheduling = SchedulingSettings(
        batch: BatchPolicy(size: 1, window: .milliseconds(50)),
        scaling: EngineScalingPolicy(minEngines: 0, parkAfter: .seconds(300), sleepAfter: .seconds(1800)),
        software: "Animato \(Version.current)"
    )
    var memoryLevel = MemoryLevelSettings()
    /// Its prefix is that of `redisStore`.
    var redisLevel = RedisLevelSettings()
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
    /// Where videos, uploads and what running generations leave are kept; `nil`: in the data directory.
    var storageDirectory: String?
    /// What this machine is called by the others of a deployment; `nil`: by its host name.
    var workerName: String?
    var engine = EngineConfiguration()
    /// How often the devices are looked at.
    var probeInterval = Duration.seconds(2)
    var tracing = TracingConfiguration()
    var celery = CeleryConfiguration()
    /// How lines of the log look; always the name of a format.
    var logFormatName = LogFormat.human.rawValue
    /// The least severe messages that are logged; always the name of a level.
    var logLevelName = Logger.Level.info.rawValue

    /// `scheduling.memoryMode` by its name, or `auto`.
    var memoryModeName: String {
        get { scheduling.memoryMode?.rawValue ?? "auto" }
        set { scheduling.memoryMode = MemoryMode(rawValue: newValue) }
    }

    var logLevel: Logger.Level { Logger.Level(rawValue: logLevelName) ?? .info }

    var logFormat: LogFormat { LogFormat(rawValue: logFormatName) ?? .human }

    /// Where traces go.
    struct TracingConfiguration: Sendable, Equatable {
        /// The beginning of a collector's address; `nil`: no spans are made.
        var endpoint: String?
        var headers: [OTLPHeader] = []
        /// The share of traces that are recorded of those that begin here.
        var sampleRatio = 1.0
        var serviceName = "animato"

        /// `nil` without a collector.
        var settings: OTLPSettings? {
            endpoint.map { OTLPSettings(endpoint: $0, headers: headers, serviceName: serviceName) }
        }
    }

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
        /// Where engines run; `auto`: on every GPU, or on the processor where there is none.
        var devices = ["auto"]
        /// Engines that a device may have.
        var maxPerDevice = 1
        var dtype = "auto"
        /// 1: with more, small models on a busy machine lose more to waiting threads than they gain.
        var threads = 1
        /// Instead of a model: seconds a step of the engine that only pretends.
        ///
        /// `nil` everywhere but in tests.
        var timedStepSeconds: Double?
    }

    /// Where metrics are shown besides.
    struct MetricsConfiguration: Sendable, Equatable {
        var host = "127.0.0.1"
        /// `nil`: only at the port of everything else.
        var port: Int?
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

    /// The settings of the store in Redis, with what both stores take from the same keys.
    var sharedStore: RedisStoreSettings {
        var settings = redisStore
        settings.aging = store.aging
        return settings
    }

    /// How much of the most wanted videos all processes keep together.
    var sharedLevel: RedisLevelSettings {
        var settings = redisLevel
        settings.prefix = redisStore.prefix
        return settings
    }

    /// What this machine is called.
    var hostName: String { workerName ?? ProcessInfo.processInfo.hostName }

    /// Whether the address to listen on is reached from this machine alone.
    var isLoopback: Bool { Self.isLoopback(http.host) }

    /// Whether a host is reached from this machine alone.
    static func isLoopback(_ host: String) -> Bool {
        if host == "localhost" { return true }
        guard let address = IPAddress(host) else { return false }
        return ["127.0.0.0/8", "::1"].compactMap { IPNetwork($0) }.contains { $0.contains(address) }
    }

    /// What does not fit together, by its key.
    var faults: [(key: String, message: String)] {
        var faults: [(key: String, message: String)] = []
        if let fault = s3.fault { faults.append(("s3.bucket", fault)) }
        if let fault = celery.fault { faults.append(("celery.broker", fault)) }
        if (http.tlsCertificate == nil) != (http.tlsKey == nil) {
            faults.append(("http.tlsCertificate", "needs http.tlsKey, and http.tlsKey needs it"))
        }
        if metrics.port == http.port, metrics.host == http.host {
            faults.append(("metrics.port", "must not be that of http.port"))
        }
        return faults
    }

    /// The settings of the HTTP server, those among them that other parts share.
    var api: APISettings {
        var settings = http
        settings.maxUploadBytes = uploads.maxBytes
        settings.mediaURLs = http.callbacks
        return settings
    }

    /// The settings of the port for metrics alone; `nil` without one.
    var metricsListener: APISettings? {
        guard let port = metrics.port else { return nil }
        var settings = http
        settings.host = metrics.host
        settings.port = port
        return settings
    }

    /// The installation that makes stills and looks into uploads; no model is loaded for that.
    var mediaSettings: EngineSettings {
        engineSettings(on: "cpu")
    }

    /// The settings of each engine, as many for a device as it may have.
    ///
    /// - Parameter graphicsCards: what was seen of them.
    /// - Returns: in the order of the devices.
    func engineSettings(on graphicsCards: DeviceReport) -> [EngineSettings] {
        let present = graphicsCards.devices.filter(\.isPresent).map(\.id)
        var devices: [String] = []
        for device in engine.devices.flatMap({ $0 == "auto" && !present.isEmpty ? present : [$0] })
        where !devices.contains(device) {
            devices.append(device)
        }
        return devices.flatMap { device in
            Array(repeating: engineSettings(on: device), count: engine.maxPerDevice)
        }
    }

    /// The settings of an engine.
    private func engineSettings(on device: String) -> EngineSettings {
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
