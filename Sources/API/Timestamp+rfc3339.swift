package import Tasks

extension [UInt8] {
    /// Appends a moment as RFC 3339 in UTC with milliseconds, such as `2026-11-23T04:05:06.789Z`.
    ///
    /// Moments outside the years 0 to 9999, which no record holds, are written as the nearest that RFC 3339 can say.
    package mutating func appendRFC3339(_ moment: Timestamp) {
        let milliseconds = Swift.min(Swift.max(moment.milliseconds, -62_167_219_200_000), 253_402_300_799_999)
        let (days, inDay) = milliseconds.dividedByDay
        let date = CivilDate(daysSince1970: days)
        appendDigits(date.year, count: 4)
        append(UInt8(ascii: "-"))
        appendDigits(date.month, count: 2)
        append(UInt8(ascii: "-"))
        appendDigits(date.day, count: 2)
        append(UInt8(ascii: "T"))
        appendDigits(inDay / 3_600_000, count: 2)
        append(UInt8(ascii: ":"))
        appendDigits(inDay / 60_000 % 60, count: 2)
        append(UInt8(ascii: ":"))
        appendDigits(inDay / 1000 % 60, count: 2)
        append(UInt8(ascii: "."))
        appendDigits(inDay % 1000, count: 3)
        append(UInt8(ascii: "Z"))
    }

    private mutating func appendDigits(_ value: Int64, count: Int) {
        var divisor: Int64 = 1
        for _ in 1..<count { divisor *= 10 }
        while divisor > 0 {
            append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: value / divisor % 10))
            divisor /= 10
        }
    }
}

extension Int64 {
    /// Whole days, rounded down, and the milliseconds after them.
    fileprivate var dividedByDay: (days: Int64, rest: Int64) {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: 86_400_000)
        return remainder < 0 ? (quotient - 1, remainder + 86_400_000) : (quotient, remainder)
    }
}

/// A day of the Gregorian calendar.
///
/// Counts in eras of 400 years that start on 1 March, so that the leap day is the last day of its year.
private struct CivilDate {
    let year: Int64
    let month: Int64
    let day: Int64

    init(daysSince1970: Int64) {
        let shifted = daysSince1970 + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    }
}
