package import Tasks
import Testing

/// The contract of `Coordination` as behaviours; every implementation shows every one.
///
/// Lifetimes are of the implementation's own clock: what must end is short and waited for, what must not end is long.
package struct CoordinationConformance: Sendable, CustomTestStringConvertible {
    package let name: String
    private let behaviour: @Sendable (any Coordination, any Coordination) async throws -> Void

    package var testDescription: String { name }

    /// Examines an implementation.
    ///
    /// - Parameters:
    ///   - one: as a process has it, with nothing said before.
    ///   - other: as another process of the same deployment has it.
    /// - Throws: what the implementation does.
    package func check(_ one: any Coordination, _ other: any Coordination) async throws {
        try await behaviour(one, other)
    }

    package static let all = membership + duties + messages

    private static let a = WorkerID(rawValue: "a")
    private static let b = WorkerID(rawValue: "b")
    private static let day = Duration.seconds(86_400)

    private static func member(_ id: WorkerID, _ report: String) -> Member {
        Member(id: id, report: Array(report.utf8))
    }

    private static let membership: [CoordinationConformance] = [
        .init(name: "Every process sees what each has said last, in the order of their ids") {
            one, other async throws in
            #expect(try await one.members().isEmpty)
            try await one.announce(member(b, "first"), for: day)
            try await other.announce(member(a, "second"), for: day)
            try await one.announce(member(b, "third"), for: day)
            let expected = [member(a, "second"), member(b, "third")]
            #expect(try await one.members() == expected)
            #expect(try await other.members() == expected)
        },
        .init(name: "A report may be empty, and may be any bytes") { one, other async throws in
            let bytes = (0..<100_000).map { UInt8(truncatingIfNeeded: $0) }
            try await one.announce(Member(id: a, report: []), for: day)
            try await one.announce(Member(id: b, report: bytes), for: day)
            #expect(try await other.members() == [Member(id: a, report: []), Member(id: b, report: bytes)])
        },
        .init(name: "A process that says nothing more is forgotten, one that says it again is not") {
            one, other async throws in
            try await one.announce(member(a, "short"), for: .milliseconds(1))
            try await one.announce(member(a, "long"), for: day)
            try await other.announce(member(b, "short"), for: .milliseconds(1))
            try await eventually("b is forgotten") { try await one.members() == [member(a, "long")] }
            try await other.announce(member(b, "again"), for: day)
            #expect(try await one.members() == [member(a, "long"), member(b, "again")])
        },
        .init(name: "A process that ends is forgotten at once, by whoever says so, and once is enough") {
            one, other async throws in
            try await one.announce(member(a, "here"), for: day)
            try await one.announce(member(b, "here"), for: day)
            try await other.withdraw(a)
            try await other.withdraw(a)
            #expect(try await one.members() == [member(b, "here")])
        },
    ]

    private static let duties: [CoordinationConformance] = [
        .init(name: "A duty has one holder, who keeps it") { one, other async throws in
            #expect(try await one.lead("sweep", as: a, for: day))
            #expect(try await !other.lead("sweep", as: b, for: day))
            #expect(try await one.lead("sweep", as: a, for: day))
            #expect(try await !other.lead("sweep", as: b, for: day))
        },
        .init(name: "Each duty is its own") { one, other async throws in
            #expect(try await one.lead("sweep", as: a, for: day))
            #expect(try await other.lead("count", as: b, for: day))
        },
        .init(name: "A duty that is not kept goes to another") { one, other async throws in
            #expect(try await one.lead("sweep", as: a, for: .milliseconds(1)))
            try await eventually("b has it") { try await other.lead("sweep", as: b, for: day) }
            #expect(try await !one.lead("sweep", as: a, for: day))
        },
        .init(name: "Of many that ask at once one has the duty") { one, other async throws in
            let holders = try await withThrowingTaskGroup(of: Bool.self) { group in
                for number in 0..<40 {
                    let coordination = number.isMultiple(of: 2) ? one : other
                    group.addTask {
                        try await coordination.lead("sweep", as: WorkerID(rawValue: "w\(number)"), for: day)
                    }
                }
                return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
            #expect(holders == 1)
        },
        .init(name: "All agree on what was proposed first, each name by itself") { one, other async throws in
            #expect(try await one.agree(on: "secret", proposing: [1, 2]) == [1, 2])
            #expect(try await other.agree(on: "secret", proposing: [3]) == [1, 2])
            #expect(try await one.agree(on: "secret", proposing: [4]) == [1, 2])
            #expect(try await other.agree(on: "other", proposing: []) == [])
            #expect(try await one.agree(on: "other", proposing: [5]) == [])
        },
    ]

    private static let messages: [CoordinationConformance] = [
        .init(name: "What is told arrives everywhere, once and in order") { one, other async throws in
            let readers = [one.messages(of: "costs"), other.messages(of: "costs"), other.messages(of: "costs")]
            for number in 0..<500 {
                try await (number.isMultiple(of: 3) ? one : other).post(
                    [UInt8(number % 251)], to: "costs", keeping: 1000)
            }
            for reader in readers {
                #expect(await first(500, of: reader) == (0..<500).map { [UInt8($0 % 251)] })
            }
        },
        .init(name: "Who comes later hears what was kept, and then what comes") { one, other async throws in
            for number in 0..<20 { try await one.post([UInt8(number)], to: "costs", keeping: 100) }
            let late = other.messages(of: "costs")
            #expect(await first(20, of: late) == (0..<20).map { [UInt8($0)] })
            let later = one.messages(of: "costs")
            try await one.post([20], to: "costs", keeping: 100)
            #expect(await first(21, of: later) == (0...20).map { [UInt8($0)] })
        },
        .init(name: "Who listens hears all, however little is kept") { one, other async throws in
            let reader = other.messages(of: "costs")
            for number in 0..<200 { try await one.post([UInt8(number)], to: "costs", keeping: 1) }
            #expect(await first(200, of: reader) == (0..<200).map { [UInt8($0)] })
        },
        .init(name: "Each topic is its own") { one, other async throws in
            let reader = other.messages(of: "costs")
            try await one.post([1], to: "others", keeping: 10)
            try await one.post([2], to: "costs", keeping: 10)
            #expect(await first(1, of: reader) == [[2]])
        },
        .init(name: "Who stops listening while something is told holds up nobody") { one, other async throws in
            for _ in 0..<100 {
                let readers = (0..<8).map { _ in Task { for await _ in other.messages(of: "costs") {} } }
                async let told: Void = {
                    for number in UInt8(0)..<8 { try await one.post([number], to: "costs", keeping: 1) }
                }()
                for reader in readers {
                    reader.cancel()
                    await Task.yield()
                }
                try await told
                for reader in readers { await reader.value }
            }
        },
        .init(name: "A message may be empty, and may be large") { one, other async throws in
            let large = [UInt8](repeating: 7, count: 1 << 20)
            let reader = other.messages(of: "costs")
            try await one.post([], to: "costs", keeping: 10)
            try await one.post(large, to: "costs", keeping: 10)
            #expect(await first(2, of: reader) == [[], large])
        },
    ]

    /// The first messages of a reader, waited for.
    private static func first(_ count: Int, of reader: AsyncStream<[UInt8]>) async -> [[UInt8]] {
        var found: [[UInt8]] = []
        for await message in reader {
            found.append(message)
            if found.count == count { break }
        }
        return found
    }

    /// Asks until it is so; the bound is for a machine that has no time for this.
    private static func eventually(_ what: String, _ condition: () async throws -> Bool) async throws {
        let deadline = ContinuousClock.now + .seconds(60)
        while ContinuousClock.now < deadline {
            if try await condition() { return }
            try await Task.sleep(for: .milliseconds(5))
        }
        Issue.record("did not happen: \(what)")
    }
}
