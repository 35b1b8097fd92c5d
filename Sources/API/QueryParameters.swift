import Foundation
import Tasks

/// The part of an address after the question mark, read for a fixed set of parameters.
struct QueryParameters: Equatable {
    private(set) var values: [String: String] = [:]
    private(set) var violations: [Violation] = []

    /// - Parameters:
    ///   - query: as it was sent.
    ///   - known: the parameters there are; others are violations.
    init(_ query: Substring, known: [String]) {
        var seen: Set<String> = []
        for pair in query.split(separator: "&").prefix(32) {
            let halves = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = String(halves[0].prefix(64))
            guard seen.insert(name).inserted else {
                reject(name, .notAllowed, "\(name) is given twice.")
                continue
            }
            guard known.contains(name) else {
                let hint = NearestName.of(name, among: known).map { " Did you mean \($0)?" } ?? ""
                reject(name, .unknownField, "There is no parameter \(name).\(hint)")
                continue
            }
            values[name] = halves.count == 2 ? halves[1].removingPercentEncoding ?? "" : ""
        }
    }

    /// A parameter that only some texts are values of; `nil` if it is left out or wrong.
    mutating func value<Value>(_ name: String, _ expected: String, _ read: (String) -> Value?) -> Value? {
        guard let text = values[name] else { return nil }
        guard let value = read(text) else {
            reject(name, .notAllowed, "\(name) must be \(expected).")
            return nil
        }
        return value
    }

    /// The number of entries of a page.
    mutating func limit(_ settings: APISettings) -> Int {
        let standard = min(settings.defaultPageSize, settings.maxPageSize)
        guard let text = values["limit"] else { return standard }
        guard let number = Int(text) else {
            reject("limit", .wrongType, "limit must be a whole number.")
            return standard
        }
        guard (1...settings.maxPageSize).contains(number) else {
            reject("limit", .outOfRange, "limit must be from 1 to \(settings.maxPageSize).")
            return standard
        }
        return number
    }

    /// - Throws: every violation at once, if there are any.
    func check() throws(RequestRejection) {
        if !violations.isEmpty { throw RequestRejection(violations: violations) }
    }

    mutating func reject(_ name: String, _ code: Violation.Code, _ message: String) {
        violations.append(Violation(field: name, code: code, message: message))
    }
}
