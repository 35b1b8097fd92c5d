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

    static func integer<Value: FixedWidthInteger & Sendable>(
        _ key: String,
        _ path: Path<Value>,
        _ range: ClosedRange<Value>,
        _ summary: String
    ) -> Setting {
        let accepts = "whole number from \(range.lowerBound) to \(range.upperBound)"
        return Setting(
            key: key,
            accepts: accepts,
            summary: summary,
            defaultText: "\(ServerConfiguration()[keyPath: path])"
        ) { (text, configuration) throws(InvalidSetting) in
            guard let value = Value(text), range.contains(value) else { throw InvalidSetting(expected: accepts) }
            configuration[keyPath: path] = value
        }
    }

    static func bool(_ key: String, _ path: Path<Bool>, _ summary: String) -> Setting {
        let accepts = "true or false"
        return Setting(
            key: key,
            accepts: accepts,
            summary: summary,
            defaultText: "\(ServerConfiguration()[keyPath: path])"
        ) { (text, configuration) throws(InvalidSetting) in
            guard let value = Bool(text) else { throw InvalidSetting(expected: accepts) }
            configuration[keyPath: path] = value
        }
    }

    /// Text that is never shown again.
    static func secret(
        _ key: String,
        _ path: Path<String?>,
        minLength: Int,
        _ summary: String
    ) -> Setting {
        let accepts = "text of at least \(minLength) characters, or nothing"
        var setting = Setting(key: key, accepts: accepts, summary: summary, defaultText: "") {
            (text, configuration) throws(InvalidSetting) in
            guard text.isEmpty || text.count >= minLength else { throw InvalidSetting(expected: accepts) }
            configuration[keyPath: path] = text.isEmpty ? nil : text
        }
        setting.isSecret = true
        return setting
    }

    /// A list of what a room parses, perhaps empty.
    static func values<Value: Sendable>(
        _ key: String,
        _ path: Path<[Value]>,
        accepts: String,
        isSecret: Bool = false,
        _ summary: String,
        parse: @escaping @Sendable (String) -> Value?
    ) -> Setting {
        var setting = Setting(key: key, accepts: accepts, summary: summary, defaultText: "") {
            (text, configuration) throws(InvalidSetting) in
            var values: [Value] = []
            for part in text.split(separator: ",") {
                guard let value = parse(part.trimmingCharacters(in: .whitespaces)) else {
                    throw InvalidSetting(expected: accepts)
                }
                values.append(value)
            }
            configuration[keyPath: path] = values
        }
        setting.isSecret = isSecret
        return setting
    }

    static func optionalText(_ key: String, _ path: Path<String?>, _ summary: String) -> Setting {
        Setting(
            key: key,
            accepts: "text, or nothing",
            summary: summary,
            defaultText: ServerConfiguration()[keyPath: path] ?? ""
        ) { (text, configuration) throws(InvalidSetting) in
            configuration[keyPath: path] = text.isEmpty ? nil : text
        }
    }

    /// Bytes; nothing is no limit.
    static func optionalBytes(_ key: String, _ path: Path<Int64?>, _ summary: String) -> Setting {
        let accepts = "whole number of bytes, or nothing"
        return Setting(
            key: key,
            accepts: accepts,
            summary: summary,
            defaultText: ServerConfiguration()[keyPath: path].map { "\($0)" } ?? ""
        ) { (text, configuration) throws(InvalidSetting) in
            guard !text.isEmpty else {
                configuration[keyPath: path] = nil
                return
            }
            guard let value = Int64(text), value >= 0 else { throw InvalidSetting(expected: accepts) }
            configuration[keyPath: path] = value
        }
    }

    /// Seconds; nothing is for ever.
    static func optionalDuration(_ key: String, _ path: Path<Duration?>, _ summary: String) -> Setting {
        let most = 10.0 * 365 * 86_400
        let accepts = "seconds from 0 to \(number(most)), or nothing"
        return Setting(
            key: key,
            accepts: accepts,
            summary: summary,
            defaultText: ServerConfiguration()[keyPath: path].map { number($0.inSeconds) } ?? ""
        ) { (text, configuration) throws(InvalidSetting) in
            guard !text.isEmpty else {
                configuration[keyPath: path] = nil
                return
            }
            guard let value = Double(text), (0...most).contains(value) else { throw InvalidSetting(expected: accepts) }
            configuration[keyPath: path] = .seconds(value)
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
