import API
import Engine
import Foundation
import Results
import Scheduling
import Tasks
import TasksSQLite
import TestSupport
import Testing
import Webhooks

@testable import Server

@Suite("Settings")
struct SettingsReaderTests {
    private func read(
        flags: [String: String] = [:],
        environment: [String: String] = [:],
        file: String? = nil
    ) async throws -> ServerConfiguration {
        try await withTemporaryDirectory { directory in
            let path = "\(directory)/animato.yaml"
            if let file { try file.write(toFile: path, atomically: true, encoding: .utf8) }
            return try SettingsReader.read(
                flags: flags.map { (source: "--set \($0.key)", key: $0.key, value: $0.value) },
                environment: environment,
                file: file == nil ? nil : path
            )
        }
    }

    private func faults(
        flags: [String: String] = [:],
        environment: [String: String] = [:],
        file: String? = nil
    ) async throws -> [String] {
        do {
            _ = try await read(flags: flags, environment: environment, file: file)
            return []
        } catch let error as SettingsReader.Faults {
            return error.faults.map(\.message)
        }
    }

    @Test("With nothing said, every setting has its default")
    func defaults() async throws {
        #expect(try await read() == ServerConfiguration())
        #expect(try await read(file: "") == ServerConfiguration())
    }

    @Test("Every default, written out, is accepted and changes nothing")
    func defaultsAreValid() async throws {
        let flags = Dictionary(uniqueKeysWithValues: SettingsTable.all.map { ($0.key, $0.defaultText) })
        #expect(try await read(flags: flags) == ServerConfiguration())
    }

    @Test("A certificate needs its key, and a key its certificate", arguments: ["http.tlsCertificate", "http.tlsKey"])
    func identity(_ key: String) async throws {
        #expect(try await faults(flags: [key: "a.pem"]) == ["needs http.tlsKey, and http.tlsKey needs it"])
        let both = try await read(flags: ["http.tlsCertificate": "a.pem", "http.tlsKey": "a.key"])
        #expect(both.http.scheme == "https")
    }

    @Test("Origins are spelt as browsers spell them")
    func origins() async throws {
        let good = ["https://studio.example.org", "http://localhost:8080", "https://[::1]:8443", "*"]
        let read = try await read(flags: ["http.corsOrigins": good.joined(separator: ",")])
        #expect(read.http.corsOrigins == good)
        for bad in [
            "studio.example.org", "https://a/", "https://a/b", "https://A", "ftp://a", "https://a:443", "https://u@a",
            "https://", "null", "https://a?", "https://a,b",
        ] {
            #expect(try await faults(flags: ["http.corsOrigins": bad]).count == 1, "\(bad)")
        }
    }

    @Test("A secret that is none is refused without being shown")
    func secrets() async throws {
        let found = try await faults(flags: ["callbacks.secrets": "whsec_c2hvcnQ=", "http.videoLinkSecret": "tooshort"])
        #expect(found.count == 2)
        #expect(found.allSatisfy { !$0.contains("c2hvcnQ") && !$0.contains("tooshort") })
        let secret = WebhookSecret()
        let read = try await read(flags: ["callbacks.secrets": "\(secret.text), \(WebhookSecret().text)"])
        #expect(read.callbackSecrets.count == 2)
        #expect(read.callbackSecrets.first == secret)
    }

    @Test("Networks, bytes and durations are read, and nothing means no bound")
    func bounds() async throws {
        let configuration = try await read(
            environment: [
                "ANIMATO_CALLBACKS_ALLOWED_NETWORKS": "10.20.0.0/16, fd00::/8", "ANIMATO_RESULTS_MAX_BYTES": "1000000",
                "ANIMATO_RESULTS_MAX_AGE": "3600", "ANIMATO_RETENTION_TASKS": "",
                "ANIMATO_CALLBACKS_ALLOW_HTTP": "true",
            ]
        )
        #expect(configuration.http.callbacks.allowedNetworks.map(\.description) == ["10.20.0.0/16", "fd00::/8"])
        #expect(configuration.http.callbacks.allowsHTTP)
        #expect(configuration.retention.eviction == EvictionPolicy(maxBytes: 1_000_000, maxAge: .seconds(3600)))
        #expect(configuration.retention.retention.tasks == nil)
        let wrong = try await faults(
            flags: [
                "callbacks.allowedNetworks": "10.20.0.1/16", "results.maxBytes": "-1", "results.maxAge": "a day",
                "callbacks.allowHTTP": "yes", "results.memoryEntries": "-1",
            ]
        )
        #expect(wrong.count == 5)
    }

    @Test("A flag outranks the environment, that the file, and that the default")
    func precedence() async throws {
        let file = "http:\n  port: 1\n  host: file\nqueue:\n  limit: 11\nstore:\n  readers: 3\n"
        let environment = ["ANIMATO_HTTP_PORT": "2", "ANIMATO_HTTP_HOST": "environment", "ANIMATO_QUEUE_LIMIT": "22"]
        let configuration = try await read(
            flags: ["http.port": "3"],
            environment: environment,
            file: file
        )
        #expect(configuration.http.port == 3)
        #expect(configuration.http.host == "environment")
        #expect(configuration.scheduling.admission.maxWaiting == 22)
        #expect(configuration.store.readers == 3)
    }

    @Test("A value that is outranked is checked all the same")
    func outrankedFault() async throws {
        #expect(try await faults(flags: ["http.port": "3"], file: "http:\n  port: many\n").count == 1)
    }

    @Test("Lists, fractions of seconds and empty values are read")
    func kinds() async throws {
        let configuration = try await read(
            environment: ["ANIMATO_HTTP_PUBLIC_URL": "", "ANIMATO_QUEUE_DRAIN_TIMEOUT": "1.5"],
            file: "engine:\n  devices: [cuda:0, cuda:1]\n"
        )
        #expect(configuration.engine.devices == ["cuda:0", "cuda:1"])
        #expect(configuration.http.publicURL == nil)
        #expect(configuration.scheduling.drainTimeout == .milliseconds(1500))
        #expect(configuration.engineSettings(on: DeviceReport()).map(\.device) == ["cuda:0", "cuda:1"])
    }

    @Test(
        "A value of the wrong kind or out of range is a fault",
        arguments: [
            ("http.port", "65536"), ("http.port", "-1"), ("http.port", "80.5"), ("http.port", ""), ("http.host", ""),
            ("queue.drainTimeout", "nan"), ("queue.drainTimeout", "inf"), ("queue.drainTimeout", "-1"),
            ("engine.devices", "cpu,cpu"), ("engine.devices", ","), ("engine.dtype", "float8"), ("log.level", "loud"),
            ("http.publicURL", "https://video.example.org/"), ("http.publicURL", "video.example.org"),
            ("engine.timedStepSeconds", "-0.1"), ("store.readers", "0"),
        ]
    )
    func badValues(key: String, value: String) async throws {
        let faults = try await faults(flags: [key: value])
        #expect(faults.count == 1)
        #expect(faults.first?.contains("\"\(value)\"") == true)
    }

    @Test("Unknown settings are faults, with the nearest name where one is near")
    func unknown() async throws {
        #expect(try await faults(flags: ["http.prot": "1"]) == ["unknown setting; did you mean http.port?"])
        #expect(try await faults(flags: ["weather": "1"]) == ["unknown setting"])
        #expect(
            try await faults(environment: ["ANIMATO_LOG_LEVLE": "info"])
                == ["unknown setting; did you mean ANIMATO_LOG_LEVEL?"]
        )
        #expect(try await faults(environment: ["PATH": "/bin", "ANIMATO": "x"]).isEmpty)
    }

    @Test("Everything that is wrong is reported at once")
    func allAtOnce() async throws {
        let faults = try await faults(
            flags: ["http.port": "x"],
            environment: ["ANIMATO_STORE_READERS": "0", "ANIMATO_NONSENSE": "1"],
            file: "queue:\n  limit: none\n  maxFailures: 0\nfoo: bar\n"
        )
        #expect(faults.count == 6)
    }

    @Test(
        "A file that is no mapping of settings is one fault",
        arguments: ["- a\n", "text", "[1, 2", "a: &x 1\nb: *x\n", "http: [1"]
    )
    func badFiles(content: String) async throws {
        #expect(try await !faults(file: content).isEmpty)
    }

    @Test("A file that is not there is a fault")
    func missingFile() {
        #expect(throws: SettingsReader.Faults.self) {
            try SettingsReader.read(flags: [], environment: ["ANIMATO_CONFIG": "/none/animato.yaml"], file: nil)
        }
    }

    @Test("Keys, their names in the environment, and summaries are well formed and unique")
    func table() {
        #expect(SettingsTable.byKey.count == SettingsTable.all.count)
        #expect(SettingsTable.byEnvironmentName.count == SettingsTable.all.count)
        for setting in SettingsTable.all {
            #expect(setting.key.wholeMatch(of: /[a-z][a-z0-9]*\.[a-zA-Z]+/) != nil)
            #expect(setting.environmentName.wholeMatch(of: /ANIMATO(_[A-Z][A-Z0-9]*)+/) != nil)
            #expect(setting.summary.hasSuffix("."))
        }
    }
}
