import ArgumentParser
import Foundation
import Tasks

/// What can be said of a key when it is made and when it is changed.
struct KeyTraits: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "What it opens; may be repeated. Default: read and generate.",
            valueName: "read|generate|metrics|admin"
        )
    )
    var scope: [String] = []

    @Option(help: ArgumentHelp("The most urgent priority it may ask for.", valueName: "interactive|normal|batch"))
    var maxPriority: String?

    @Option(help: "Its tenant's share of device time in relation to those of others; 1 is usual.")
    var weight: Double?

    @Option(help: ArgumentHelp("When it ends, from now: as in 12h or 30d, or never.", valueName: "time"))
    var expiresIn: LifeSpan?

    @OptionGroup(title: "Limits of the key's tenant; none is no limit")
    var limits: LimitOptions

    /// The body that says so.
    ///
    /// - Parameter known: the key so far, whose limits stand where none is named; `nil`: it has none.
    /// - Returns: members of a JSON object.
    /// - Throws: the exit code, once it was printed that this is no key.
    func body(over known: Data?) throws -> [String: Any] {
        var body: [String: Any] = [:]
        if !scope.isEmpty { body["scopes"] = scope }
        if let maxPriority { body["max_priority"] = maxPriority }
        if let weight { body["weight"] = weight }
        if let expiresIn { body["expires_at"] = expiresIn.end(from: Date()) ?? NSNull() }
        if !limits.isEmpty {
            var all = try known.map { try KeyRecord($0).limits.values } ?? [:]
            for (name, limit) in limits.named {
                all[name] = limit.value
            }
            body["limits"] = all
        }
        return body
    }

    static func encoded(_ body: [String: Any]) throws -> Data {
        try JSONSerialization.data(withJSONObject: body)
    }
}

/// Limits, as the API names them.
struct LimitOptions: ParsableArguments {
    @Option(help: "Requests a second.")
    var requestsPerSecond: LimitValue?

    @Option(help: "Requests at once after a pause.")
    var burst: LimitValue?

    @Option(help: "Tasks that may wait.")
    var waiting: LimitValue?

    @Option(help: "Generations that may run at the same time.")
    var running: LimitValue?

    @Option(help: "Seconds of device time in a day of UTC.")
    var deviceSeconds: LimitValue?

    @Option(help: "Bytes of uploads.")
    var storage: LimitValue?

    /// Those that were given.
    var named: [(name: String, limit: LimitValue)] {
        [
            ("requests_per_second", requestsPerSecond), ("burst", burst), ("waiting_tasks", waiting),
            ("running_tasks", running), ("device_seconds_per_day", deviceSeconds), ("storage_bytes", storage),
        ].compactMap { name, limit in limit.map { (name, $0) } }
    }

    var isEmpty: Bool { named.isEmpty }
}

/// A number, or `none`.
struct LimitValue: ExpressibleByArgument, Sendable {
    let value: Double?

    init?(argument: String) {
        guard argument != "none" else {
            value = nil
            return
        }
        guard let number = Double(argument), number.isFinite else { return nil }
        value = number
    }
}

/// A length of time as people write it: `90s`, `12h`, `30d`, or `never`.
struct LifeSpan: ExpressibleByArgument, Sendable, Equatable {
    /// `nil`: never.
    let seconds: Int?

    init?(argument: String) {
        guard argument != "never" else {
            seconds = nil
            return
        }
        let units: [Character: Int] = ["s": 1, "m": 60, "h": 3600, "d": 86_400]
        guard let unit = argument.last.flatMap({ units[$0] }), let count = Int(argument.dropLast()), count >= 0,
            case let (seconds, isTooLong) = count.multipliedReportingOverflow(by: unit), !isTooLong
        else { return nil }
        self.seconds = seconds
    }

    /// The moment as the API takes it; `nil`: never.
    func end(from now: Date) -> String? {
        seconds.map { seconds in
            // Beyond the year 9999 the API says no.
            now.addingTimeInterval(Double(min(seconds, 300_000_000_000))).formatted(.iso8601)
        }
    }
}

/// Which key.
struct KeyIDArgument: ParsableArguments {
    @Argument(help: ArgumentHelp("The id of the key, as `animato keys list` shows it.", valueName: "key-id"))
    var id: String

    var value: KeyID { KeyID(rawValue: id) }
}
