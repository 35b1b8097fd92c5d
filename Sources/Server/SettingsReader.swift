import API
import Foundation
import Yams

/// Reads the settings: flags before environment before file before defaults.
///
/// Pure but for the file.
struct SettingsReader {
    /// One thing that is wrong, and where.
    struct Fault: Equatable, CustomStringConvertible {
        /// A flag, a name in the environment, or a key of a file.
        var source: String
        var message: String

        var description: String { "\(source): \(message)" }
    }

    /// Everything that is wrong.
    struct Faults: Error, Equatable {
        var faults: [Fault]
    }

    /// Names in the environment that begin like settings and are none.
    private static let otherNames: Set<String> = ["ANIMATO_CONFIG", KeyOption.environmentName]

    private var configuration = ServerConfiguration()
    private var faults: [Fault] = []
    /// Keys that a source of higher rank has set.
    private var decided: Set<String> = []

    /// Reads every source.
    ///
    /// - Parameters:
    ///   - flags: key and value of each flag, with the flag's own spelling.
    ///   - environment: of the process.
    ///   - file: path of a settings file, if there is one.
    /// - Returns: the configuration.
    /// - Throws: every fault at once.
    static func read(
        flags: [(source: String, key: String, value: String)],
        environment: [String: String],
        file: String?
    ) throws(Faults) -> ServerConfiguration {
        var reader = SettingsReader()
        for flag in flags {
            reader.take(flag.value, for: flag.key, from: flag.source)
        }
        reader.endSource()
        reader.readEnvironment(environment)
        reader.endSource()
        if let path = file ?? environment["ANIMATO_CONFIG"] { reader.readFile(path) }
        if reader.faults.isEmpty {
            reader.faults = reader.configuration.faults.map { Fault(source: $0.key, message: $0.message) }
        }
        guard reader.faults.isEmpty else { throw Faults(faults: reader.faults) }
        return reader.configuration
    }

    /// Reads settings that are part of another file.
    ///
    /// - Parameters:
    ///   - node: a mapping like that of a settings file.
    ///   - path: where it is, for faults.
    /// - Returns: what it says, and everything that is wrong with it.
    static func read(_ node: Node, at path: String) -> (configuration: ServerConfiguration, faults: [Fault]) {
        var reader = SettingsReader()
        if node.mapping == nil {
            reader.faults.append(Fault(source: path, message: "must be a mapping of settings"))
        } else {
            reader.readNode(node, key: "", path: path)
            // There is no other source.
            reader.endSource()
        }
        return (reader.configuration, reader.faults)
    }

    /// Keys that the source now being read has set; they outrank later sources, and each other's repetition.
    private var pending: Set<String> = []

    private mutating func endSource() {
        decided.formUnion(pending)
        pending = []
    }

    private mutating func take(_ value: String, for key: String, from source: String) {
        guard let setting = SettingsTable.byKey[key] else {
            let hint = Self.hint(key, SettingsTable.all.map(\.key))
            faults.append(Fault(source: source, message: "unknown setting" + hint))
            return
        }
        // A value is checked even where another outranks it: it is wrong all the same.
        var target = configuration
        do throws(InvalidSetting) {
            try setting.apply(value, &target)
        } catch {
            let given = setting.isSecret ? "" : "; it is \"\(value)\""
            faults.append(Fault(source: source, message: "must be \(error.expected)\(given)"))
            return
        }
        guard !decided.contains(key) else { return }
        configuration = target
        pending.insert(key)
    }

    private mutating func readEnvironment(_ environment: [String: String]) {
        for (name, value) in environment.sorted(by: { $0.key < $1.key }) where name.hasPrefix("ANIMATO_") {
            guard !Self.otherNames.contains(name) else { continue }
            guard let setting = SettingsTable.byEnvironmentName[name] else {
                let hint = Self.hint(name, SettingsTable.all.map(\.environmentName))
                faults.append(Fault(source: name, message: "unknown setting" + hint))
                continue
            }
            take(value, for: setting.key, from: name)
        }
    }

    private mutating func readFile(_ path: String) {
        let root: Node?
        do {
            root = try Yams.compose(yaml: String(contentsOfFile: path, encoding: .utf8))
        } catch let error as YamlError {
            faults.append(Fault(source: path, message: "not valid YAML: \(error)"))
            return
        } catch {
            faults.append(Fault(source: path, message: "cannot be read: \(error.localizedDescription)"))
            return
        }
        // An empty file says nothing, and that is fine.
        guard let root else { return }
        guard root.mapping != nil else {
            faults.append(Fault(source: path, message: "must be a mapping of settings"))
            return
        }
        readNode(root, key: "", path: path)
    }

    private mutating func readNode(_ node: Node, key: String, path: String) {
        switch node {
        case .mapping(let mapping):
            for (name, value) in mapping {
                let part = name.string ?? ""
                readNode(value, key: key.isEmpty ? part : "\(key).\(part)", path: path)
            }
        case .sequence(let sequence):
            take(sequence.map { $0.string ?? "" }.joined(separator: ","), for: key, from: "\(path): \(key)")
        case .scalar(let scalar):
            take(scalar.string, for: key, from: "\(path): \(key)")
        case .alias:
            faults.append(Fault(source: "\(path): \(key)", message: "aliases are not supported"))
        }
    }

    /// The nearest known name, if one is near.
    private static func hint(_ name: String, _ known: [String]) -> String {
        NearestName.of(name, among: known).map { "; did you mean \($0)?" } ?? ""
    }
}
