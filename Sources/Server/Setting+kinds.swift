import Foundation
import Tasks

extension Setting {
    typealias Path<Value> = any WritableKeyPath<ServerConfiguration, Value> & Sendable

    static func text(_ key: String, _ path: Path<String>, _ summary: String) -> Setting {
        Setting(
            key: key,
            accepts: "text",
            summary: summary,
            defaultText: ServerConfiguration()[keyPath: path]
        ) { (text, configuration) throws(InvalidSetting) in
            guard !text.isEmpty else { throw InvalidSetting(expected: "text that is not empty") }
            configuration[keyPath: path] = text
        }
    }

    /// The beginning of a web address, as clients put it in front of a path.
    static func optionalOrigin(_ key: String, _ path: Path<String?>, _ summary: String) -> Setting {
        let accepts = "http:// or https:// address without a slash at the end, or nothing"
        return Setting(
            key: key,
            accepts: accepts,
            summary: summary,
            defaultText: ServerConfiguration()[keyPath: path] ?? ""
        ) { (text, configuration) throws(InvalidSetting) in
            guard !text.isEmpty else {
                configuration[keyPath: path] = nil
                return
            }
            guard let url = URL(string: text), ["http", "https"].contains(url.scheme), url.host() != nil,
                !text.hasSuffix("/")
            else { throw InvalidSetting(expected: accepts) }
            configuration[keyPath: path] = text
        }
    }

    static func integer(
        _ key: String,
        _ path: Path<Int>,
        _ range: ClosedRange<Int>,
        _ summary: String
    ) -> Setting {
        let accepts = "whole number from \(range.lowerBound) to \(range.upperBound)"
        return Setting(
            key: key,
            accepts: accepts,
            summary: summary,
            defaultText: "\(ServerConfiguration()[keyPath: path])"
        ) { (text, configuration) throws(InvalidSetting) in
            guard let value = Int(text), range.contains(value) else { throw InvalidSetting(expected: accepts) }
            configuration[keyPath: path] = value
        }
    }

    /// Seconds, with a fraction if need be.
    static func duration(
        _ key: String,
        _ path: Path<Duration>,
        _ range: ClosedRange<Double>,
        _ summary: String
    ) -> Setting {
        let accepts = "seconds from \(number(range.lowerBound)) to \(number(range.upperBound))"
        let standard = ServerConfiguration()[keyPath: path]
        return Setting(
            key: key,
            accepts: accepts,
            summary: summary,
            defaultText: number(standard.inSeconds)
        ) { (text, configuration) throws(InvalidSetting) in
            guard let value = Double(text), range.contains(value) else { throw InvalidSetting(expected: accepts) }
            configuration[keyPath: path] = .seconds(value)
        }
    }

    static func list(_ key: String, _ path: Path<[String]>, accepts: String, _ summary: String) -> Setting {
        Setting(
            key: key,
            accepts: accepts,
            summary: summary,
            defaultText: ServerConfiguration()[keyPath: path].joined(separator: ",")
        ) { (text, configuration) throws(InvalidSetting) in
            let parts = text.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
            guard !parts.isEmpty, parts.allSatisfy({ !$0.isEmpty }), Set(parts).count == parts.count else {
                throw InvalidSetting(expected: accepts)
            }
            configuration[keyPath: path] = parts
        }
    }

    static func choice(_ key: String, _ choices: [String], _ path: Path<String>, _ summary: String) -> Setting {
        let accepts = "one of " + choices.joined(separator: ", ")
        return Setting(
            key: key,
            accepts: accepts,
            summary: summary,
            defaultText: ServerConfiguration()[keyPath: path]
        ) { (text, configuration) throws(InvalidSetting) in
            guard choices.contains(text) else { throw InvalidSetting(expected: accepts) }
            configuration[keyPath: path] = text
        }
    }

    static func optionalNumber(
        _ key: String,
        _ path: Path<Double?>,
        _ range: ClosedRange<Double>,
        _ summary: String
    ) -> Setting {
        let accepts = "number from \(number(range.lowerBound)) to \(number(range.upperBound)), or nothing"
        return Setting(
            key: key,
            accepts: accepts,
            summary: summary,
            defaultText: ServerConfiguration()[keyPath: path].map(number) ?? ""
        ) { (text, configuration) throws(InvalidSetting) in
            guard !text.isEmpty else {
                configuration[keyPath: path] = nil
                return
            }
            guard let value = Double(text), range.contains(value) else { throw InvalidSetting(expected: accepts) }
            configuration[keyPath: path] = value
        }
    }

    private static func number(_ value: Double) -> String {
        value == value.rounded() ? "\(Int(value))" : "\(value)"
    }
}
