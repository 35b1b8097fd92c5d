import Foundation
import Redis
import Tasks

extension Setting {
    typealias Path<Value> = any WritableKeyPath<ServerConfiguration, Value> & Sendable

    // MARK: What every kind is made of

    /// A setting that takes the texts that `parse` makes something of.
    ///
    /// - Parameters:
    ///   - key: of the setting.
    ///   - path: where the value goes.
    ///   - accepts: what is accepted, for people.
    ///   - summary: what the setting does.
    ///   - show: writes a value, so that reading it gives the value again.
    ///   - parse: `nil` for a text that is no value.
    /// - Returns: the setting; its default is what a new configuration has.
    private static func value<Value: Sendable>(
        _ key: String,
        _ path: Path<Value>,
        _ accepts: String,
        _ summary: String,
        show: (Value) -> String,
        parse: @escaping @Sendable (String) -> Value?
    ) -> Setting {
        Setting(key: key, accepts: accepts, summary: summary, defaultText: show(ServerConfiguration()[keyPath: path])) {
            (text, configuration) throws(InvalidSetting) in
            guard let value = parse(text) else { throw InvalidSetting(expected: accepts) }
            configuration[keyPath: path] = value
        }
    }

    /// The same, where an empty text is no value at all.
    private static func optional<Value: Sendable>(
        _ key: String,
        _ path: Path<Value?>,
        _ accepts: String,
        _ summary: String,
        show: (Value) -> String,
        parse: @escaping @Sendable (String) -> Value?
    ) -> Setting {
        value(key, path, "\(accepts), or nothing", summary) {
            $0.map(show) ?? ""
        } parse: { text in
            text.isEmpty ? .some(nil) : parse(text).map(Optional.some)
        }
    }

    private static func parts(of text: String) -> [String] {
        text.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
    }

    static func number(_ value: Double) -> String {
        value == value.rounded() ? "\(Int(value))" : "\(value)"
    }

    private static func number(_ text: String, in range: ClosedRange<Double>) -> Double? {
        Double(text).flatMap { range.contains($0) ? $0 : nil }
    }

    // MARK: Text

    static func text(_ key: String, _ path: Path<String>, _ summary: String) -> Setting {
        value(key, path, "text that is not empty", summary) {
            $0
        } parse: {
            $0.isEmpty ? nil : $0
        }
    }

    static func optionalText(_ key: String, _ path: Path<String?>, _ summary: String) -> Setting {
        optional(key, path, "text", summary) {
            $0
        } parse: {
            $0
        }
    }

    /// Text that is never shown again.
    static func secret(_ key: String, _ path: Path<String?>, minLength: Int, _ summary: String) -> Setting {
        var setting = optional(key, path, "text of at least \(minLength) characters", summary) {
            $0
        } parse: { text in
            text.count >= minLength ? text : nil
        }
        setting.isSecret = true
        return setting
    }

    /// The beginning of a web address, as clients put it in front of a path.
    static func optionalOrigin(_ key: String, _ path: Path<String?>, _ summary: String) -> Setting {
        optional(key, path, "http:// or https:// address without a slash at the end", summary) {
            $0
        } parse: { text in
            guard let url = URL(string: text), ["http", "https"].contains(url.scheme), url.host() != nil,
                !text.hasSuffix("/")
            else { return nil }
            return text
        }
    }

    /// The address of a Redis, which may have a password in it.
    static func redis(_ key: String, _ path: Path<RedisURL?>, _ summary: String) -> Setting {
        var setting = optional(key, path, "redis:// or rediss:// address", summary) {
            "\($0)"
        } parse: { text in
            try? RedisURL(text)
        }
        setting.isSecret = true
        return setting
    }

    static func choice(_ key: String, _ choices: [String], _ path: Path<String>, _ summary: String) -> Setting {
        value(key, path, "one of " + choices.joined(separator: ", "), summary) {
            $0
        } parse: { text in
            choices.contains(text) ? text : nil
        }
    }

    static func bool(_ key: String, _ path: Path<Bool>, _ summary: String) -> Setting {
        value(key, path, "true or false", summary) {
            "\($0)"
        } parse: {
            Bool($0)
        }
    }

    // MARK: Lists

    /// At least one word, none twice.
    static func list(_ key: String, _ path: Path<[String]>, accepts: String, _ summary: String) -> Setting {
        value(key, path, accepts, summary) {
            $0.joined(separator: ",")
        } parse: { text in
            let parts = parts(of: text)
            let isPlain = !parts.isEmpty && parts.allSatisfy { !$0.isEmpty } && Set(parts).count == parts.count
            return isPlain ? parts : nil
        }
    }

    /// A list of what a room parses, perhaps empty.
    static func values<Value: Sendable>(
        _ key: String,
        _ path: Path<[Value]>,
        accepts: String,
        isSecret: Bool = false,
        _ summary: String,
        show: ([Value]) -> String = { _ in "" },
        parse: @escaping @Sendable (String) -> Value?
    ) -> Setting {
        var setting = value(key, path, accepts, summary) {
            show($0)
        } parse: { text in
            let parts = parts(of: text)
            let values = parts.compactMap(parse)
            return values.count == parts.count ? values : nil
        }
        setting.isSecret = isSecret
        return setting
    }

    // MARK: Numbers

    static func integer<Value: FixedWidthInteger & Sendable>(
        _ key: String,
        _ path: Path<Value>,
        _ range: ClosedRange<Value>,
        _ summary: String
    ) -> Setting {
        let accepts = "whole number from \(range.lowerBound) to \(range.upperBound)"
        return value(key, path, accepts, summary) {
            "\($0)"
        } parse: { text in
            Value(text).flatMap { range.contains($0) ? $0 : nil }
        }
    }

    static func optionalInteger(
        _ key: String,
        _ path: Path<Int?>,
        _ range: ClosedRange<Int>,
        _ summary: String
    ) -> Setting {
        optional(key, path, "whole number from \(range.lowerBound) to \(range.upperBound)", summary) {
            "\($0)"
        } parse: { text in
            Int(text).flatMap { range.contains($0) ? $0 : nil }
        }
    }

    /// Bytes; nothing is no limit.
    static func optionalBytes(_ key: String, _ path: Path<Int64?>, _ summary: String) -> Setting {
        optional(key, path, "whole number of bytes", summary) {
            "\($0)"
        } parse: { text in
            Int64(text).flatMap { $0 >= 0 ? $0 : nil }
        }
    }

    static func number(
        _ key: String,
        _ path: Path<Double>,
        _ range: ClosedRange<Double>,
        _ summary: String
    ) -> Setting {
        let accepts = "number from \(number(range.lowerBound)) to \(number(range.upperBound))"
        return value(key, path, accepts, summary) {
            number($0)
        } parse: {
            number($0, in: range)
        }
    }

    static func optionalNumber(
        _ key: String,
        _ path: Path<Double?>,
        _ range: ClosedRange<Double>,
        _ summary: String
    ) -> Setting {
        let accepts = "number from \(number(range.lowerBound)) to \(number(range.upperBound))"
        return optional(key, path, accepts, summary) {
            number($0)
        } parse: {
            number($0, in: range)
        }
    }

    // MARK: Durations

    /// Seconds, with a fraction if need be.
    static func duration(
        _ key: String,
        _ path: Path<Duration>,
        _ range: ClosedRange<Double>,
        _ summary: String
    ) -> Setting {
        let accepts = "seconds from \(number(range.lowerBound)) to \(number(range.upperBound))"
        return value(key, path, accepts, summary) {
            number($0.inSeconds)
        } parse: { text in
            number(text, in: range).map { .seconds($0) }
        }
    }

    /// Seconds; nothing is for ever.
    static func optionalDuration(_ key: String, _ path: Path<Duration?>, _ summary: String) -> Setting {
        let tenYears = 10.0 * 365 * 86_400
        let accepts = "seconds from 0 to \(number(tenYears))"
        return optional(key, path, accepts, summary) {
            number($0.inSeconds)
        } parse: { text in
            number(text, in: 0...tenYears).map { .seconds($0) }
        }
    }
}
