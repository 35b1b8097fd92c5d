package import Tasks

/// Moments as Python writes them.
package enum CeleryTime {
    /// Reads what `datetime.isoformat()` writes; without an offset it is taken for UTC, as Celery does.
    ///
    /// - Parameter text: as in `2026-11-29T01:49:50.040898+00:00`.
    /// - Returns: the moment, `nil` if it is none.
    package static func moment(_ text: String) -> Timestamp? {
        var rest = Substring(text)
        guard let year = number(&rest, 4), take(&rest, "-"), let month = number(&rest, 2), take(&rest, "-"),
            let day = number(&rest, 2), (1...12).contains(month), (1...31).contains(day)
        else { return nil }
        var seconds: Int64 = 0
        var fraction: Int64 = 0
        if take(&rest, "T") || take(&rest, " ") {
            guard let hour = number(&rest, 2), take(&rest, ":"), let minute = number(&rest, 2),
                hour < 24, minute < 60
            else { return nil }
            seconds = Int64(hour * 3600 + minute * 60)
            if take(&rest, ":") {
                guard let second = number(&rest, 2), second <= 60 else { return nil }
                seconds += Int64(second)
                if take(&rest, ".") {
                    let digits = rest.prefix { $0.isASCII && $0.isNumber }
                    guard !digits.isEmpty, digits.count <= 9 else { return nil }
                    fraction = Int64((digits + "00").prefix(3)) ?? 0
                    rest = rest.dropFirst(digits.count)
                }
            }
        }
        guard let offset = offset(rest) else { return nil }
        let moment = days(year, month, day) * 86_400 + seconds - offset
        return Timestamp(milliseconds: moment * 1000 + fraction)
    }

    /// As `datetime.isoformat()` writes it, in UTC.
    package static func text(_ moment: Timestamp) -> String {
        var days = moment.milliseconds / 86_400_000
        var rest = moment.milliseconds % 86_400_000
        if rest < 0 {
            rest += 86_400_000
            days -= 1
        }
        let (year, month, day) = date(days)
        let seconds = rest / 1000
        let time = [seconds / 3600, seconds / 60 % 60, seconds % 60].map { padded($0, 2) }.joined(separator: ":")
        return "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))T\(time).\(padded(rest % 1000, 3))000+00:00"
    }

    private static func padded(_ number: Int64, _ width: Int) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(0, width - text.count)) + text
    }

    private static func offset(_ text: Substring) -> Int64? {
        var rest = text
        if rest.isEmpty || rest == "Z" { return 0 }
        let sign: Int64 = take(&rest, "-") ? -1 : 1
        if sign == 1, !take(&rest, "+") { return nil }
        guard let hours = number(&rest, 2) else { return nil }
        _ = take(&rest, ":")
        guard let minutes = number(&rest, 2), rest.isEmpty, hours < 24, minutes < 60 else { return nil }
        return sign * Int64(hours * 3600 + minutes * 60)
    }

    private static func take(_ text: inout Substring, _ character: Character) -> Bool {
        guard text.first == character else { return false }
        text.removeFirst()
        return true
    }

    private static func number(_ text: inout Substring, _ digits: Int) -> Int? {
        let part = text.prefix(digits)
        guard part.utf8.count == digits, part.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        text = text.dropFirst(digits)
        return Int(part)
    }

    /// Days since 1970-01-01 of a date of the Gregorian calendar: Howard Hinnant's algorithm.
    private static func days(_ year: Int, _ month: Int, _ day: Int) -> Int64 {
        let year = month <= 2 ? year - 1 : year
        let era = (year >= 0 ? year : year - 399) / 400
        let yearOfEra = year - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return Int64(era * 146_097 + dayOfEra - 719_468)
    }

    private static func date(_ days: Int64) -> (Int64, Int64, Int64) {
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        let month = shiftedMonth + (shiftedMonth < 10 ? 3 : -9)
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
    }
}
