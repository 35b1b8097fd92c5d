import API
import Yams

/// A mapping of a YAML file that is being read, key by key.
///
/// Everything that is wrong is collected in one list of faults, each with the path of its key, so that one look finds all.
/// What cannot be read is replaced by something harmless: nothing is made of it once there is a fault.
struct YAMLMap {
    /// The faults of one file.
    final class Faults {
        private(set) var all: [SettingsReader.Fault] = []

        func add(_ path: String, _ message: String) {
            all.append(SettingsReader.Fault(source: path, message: message))
        }
    }

    /// `fleet[0]`; empty at the top.
    let path: String
    let faults: Faults
    private let nodes: [String: Node]

    /// - Parameters:
    ///   - node: what should be a mapping.
    ///   - path: where it is.
    ///   - keys: that it may have; any other is a fault.
    ///   - faults: where faults go.
    init(_ node: Node, path: String, keys: [String], faults: Faults) {
        self.path = path
        self.faults = faults
        var nodes: [String: Node] = [:]
        if let mapping = node.mapping {
            for (name, value) in mapping {
                let name = name.string ?? ""
                nodes[name] = value
                guard !keys.contains(name) else { continue }
                let hint = NearestName.of(name, among: keys).map { "; did you mean \($0)?" } ?? ""
                faults.add(Self.path(path, name), "unknown key\(hint)")
            }
        } else {
            faults.add(path.isEmpty ? "file" : path, "must be a mapping")
        }
        self.nodes = nodes
    }

    func has(_ key: String) -> Bool { nodes[key] != nil }

    func node(_ key: String) -> Node? { nodes[key] }

    func path(_ key: String) -> String { Self.path(path, key) }

    /// A number.
    ///
    /// - Parameters:
    ///   - key: of it.
    ///   - range: where it lies.
    ///   - standard: where there is none; `nil`: there must be one.
    /// - Returns: the number, or something in the range after a fault.
    func number(_ key: String, _ range: ClosedRange<Double>, otherwise standard: Double? = nil) -> Double {
        guard let node = nodes[key] else { return missing(key, standard, instead: range.lowerBound) }
        guard let value = node.scalar.flatMap({ Double($0.string) }), range.contains(value) else {
            fault(key, "must be a number from \(Self.text(range.lowerBound)) to \(Self.text(range.upperBound))", node)
            return range.lowerBound
        }
        return value
    }

    /// A whole number; see `number`.
    func integer(_ key: String, _ range: ClosedRange<Int>, otherwise standard: Int? = nil) -> Int {
        guard let node = nodes[key] else { return missing(key, standard, instead: range.lowerBound) }
        guard let value = node.scalar.flatMap({ Int($0.string) }), range.contains(value) else {
            fault(key, "must be a whole number from \(range.lowerBound) to \(range.upperBound)", node)
            return range.lowerBound
        }
        return value
    }

    func bool(_ key: String, otherwise standard: Bool) -> Bool {
        guard let node = nodes[key] else { return standard }
        guard let value = node.scalar.flatMap({ Bool($0.string) }) else {
            fault(key, "must be true or false", node)
            return standard
        }
        return value
    }

    /// A text that is not empty; see `number`.
    func text(_ key: String, otherwise standard: String? = nil) -> String {
        guard let node = nodes[key] else { return missing(key, standard, instead: "") }
        guard let value = node.scalar?.string, !value.isEmpty else {
            fault(key, "must be a text", node)
            return ""
        }
        return value
    }

    /// One of some words; see `number`.
    func choice(_ key: String, _ words: [String], otherwise standard: String? = nil) -> String {
        guard let node = nodes[key] else { return missing(key, standard, instead: words.first ?? "") }
        guard let value = node.scalar?.string, words.contains(value) else {
            fault(key, "must be one of " + words.joined(separator: ", "), node)
            return words.first ?? ""
        }
        return value
    }

    /// A mapping.
    func map(_ key: String, keys: [String]) -> YAMLMap? {
        nodes[key].map { YAMLMap($0, path: path(key), keys: keys, faults: faults) }
    }

    /// A list of mappings, at least one.
    func maps(_ key: String, keys: [String]) -> [YAMLMap] {
        guard let node = nodes[key] else {
            faults.add(path(key), "is missing")
            return []
        }
        guard let items = node.sequence, !items.isEmpty else {
            faults.add(path(key), "must be a list with at least one entry")
            return []
        }
        return items.enumerated().map { YAMLMap($1, path: "\(path(key))[\($0)]", keys: keys, faults: faults) }
    }

    private func missing<Value>(_ key: String, _ standard: Value?, instead: Value) -> Value {
        if let standard { return standard }
        faults.add(path(key), "is missing")
        return instead
    }

    private func fault(_ key: String, _ message: String, _ node: Node) {
        let given = node.scalar.map { "; it is \"\($0.string)\"" } ?? ""
        faults.add(path(key), message + given)
    }

    private static func path(_ path: String, _ key: String) -> String {
        path.isEmpty ? key : "\(path).\(key)"
    }

    private static func text(_ number: Double) -> String {
        number == number.rounded() && abs(number) < 1e15 ? "\(Int(number))" : "\(number)"
    }
}
