import ArgumentParser
import Foundation

/// The flags that every command with settings has.
struct SettingOptions: ParsableArguments {
    @Option(help: ArgumentHelp("A YAML file with settings.", valueName: "file"))
    var config: String?

    @Option(help: "The address to listen on (http.host).")
    var host: String?

    @Option(help: "The port to listen on (http.port).")
    var port: String?

    @Option(help: ArgumentHelp("Where tasks and videos are kept (data.directory).", valueName: "directory"))
    var data: String?

    @Option(
        help: ArgumentHelp(
            "The Redis of all processes (store.url). A password is better in ANIMATO_STORE_URL: everybody here sees arguments.",
            valueName: "redis://…"
        )
    )
    var store: String?

    @Option(
        help: ArgumentHelp("Diffusers checkpoints: directories or hub ids (engine.models).", valueName: "name,…")
    )
    var model: String?

    @Option(help: ArgumentHelp("Devices with an engine each (engine.devices).", valueName: "auto|cpu|cuda:0,…"))
    var devices: String?

    @Option(help: "The least severe messages that are logged (log.level).")
    var logLevel: String?

    @Flag(help: "Listen beyond loopback although nobody needs a key (http.insecure).")
    var insecure = false

    @Option(help: ArgumentHelp("Any setting, by its key; may be repeated.", valueName: "key=value"))
    var set: [String] = []

    /// Reads every source of settings.
    ///
    /// - Throws: the exit code, after everything that is wrong was printed.
    func configuration() throws -> ServerConfiguration {
        let named: [(String, String, String?)] = [
            ("--host", "http.host", host), ("--port", "http.port", port), ("--data", "data.directory", data),
            ("--store", "store.url", store), ("--model", "engine.models", model),
            ("--devices", "engine.devices", devices),
            ("--log-level", "log.level", logLevel),
        ]
        var flags = named.compactMap { flag, key, value in value.map { (source: flag, key: key, value: $0) } }
        if insecure { flags.append((source: "--insecure", key: "http.insecure", value: "true")) }
        for pair in set {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            // Without the value, which may be a secret.
            flags.append(
                (source: "--set \(parts[0])", key: String(parts[0]), value: parts.count > 1 ? String(parts[1]) : ""))
        }
        return try Self.read(flags: flags, file: config)
    }

    /// Reads flags, the environment and a file.
    ///
    /// - Throws: the exit code, after everything that is wrong was printed.
    static func read(
        flags: [(source: String, key: String, value: String)],
        file: String?
    ) throws -> ServerConfiguration {
        do throws(SettingsReader.Faults) {
            return try SettingsReader.read(
                flags: flags,
                environment: ProcessInfo.processInfo.environment,
                file: file
            )
        } catch {
            for fault in error.faults { FileHandle.standardError.write(Data("animato: \(fault)\n".utf8)) }
            throw Exit.configuration
        }
    }
}
