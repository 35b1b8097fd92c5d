import Foundation
import Tasks

/// The query of `GET /api/v1/tasks`.
struct TaskListQuery: Equatable {
    private enum Parameter: String, CaseIterable {
        case status
        case cursor
        case limit
    }

    private(set) var status: TaskStatus?
    private(set) var before: TaskID?
    private(set) var limit: Int

    /// Reads the part of an address after the question mark.
    ///
    /// - Throws: every violation at once.
    init(_ query: Substring, settings: APISettings) throws(RequestRejection) {
        limit = min(settings.defaultPageSize, settings.maxPageSize)
        var violations: [Violation] = []
        var seen: Set<String> = []
        for pair in query.split(separator: "&").prefix(32) {
            let halves = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = String(halves[0].prefix(64))
            let value = halves.count == 2 ? halves[1].removingPercentEncoding ?? "" : ""
            guard seen.insert(name).inserted else {
                violations.append(Violation(field: name, code: .notAllowed, message: "\(name) is given twice."))
                continue
            }
            guard let parameter = Parameter(rawValue: name) else {
                violations.append(Self.unknown(name))
                continue
            }
            if let violation = take(parameter, value, maxLimit: settings.maxPageSize) { violations.append(violation) }
        }
        if !violations.isEmpty { throw RequestRejection(violations: violations) }
    }

    private mutating func take(_ parameter: Parameter, _ value: String, maxLimit: Int) -> Violation? {
        let name = parameter.rawValue
        switch parameter {
        case .status:
            guard let wire = WireStatus(rawValue: value) else {
                let known = WireStatus.allCases.map(\.rawValue).joined(separator: ", ")
                return Violation(field: name, code: .notAllowed, message: "status must be one of \(known).")
            }
            status = wire.taskStatus
        case .cursor:
            guard let id = TaskID(value) else {
                return Violation(field: name, code: .notAllowed, message: "cursor must be a next_cursor.")
            }
            before = id
        case .limit:
            guard let number = Int(value) else {
                return Violation(field: name, code: .wrongType, message: "limit must be a whole number.")
            }
            guard (1...maxLimit).contains(number) else {
                return Violation(field: name, code: .outOfRange, message: "limit must be from 1 to \(maxLimit).")
            }
            limit = number
        }
        return nil
    }

    private static func unknown(_ name: String) -> Violation {
        let hint = NearestName.of(name, among: Parameter.allCases.map(\.rawValue)).map { " Did you mean \($0)?" } ?? ""
        return Violation(field: name, code: .unknownField, message: "There is no parameter \(name).\(hint)")
    }
}
