import Foundation
import Scheduling

/// What a device can make with a model.
struct Ability: Equatable {
    var model: String
    var device: String
    /// Each shape that something is known of; by size, then by length.
    var shapes: [MemoryOverview.Line]

    /// Which shapes fit, and how; `nil` if nothing is known.
    var finding: Finding? {
        guard !shapes.isEmpty else { return nil }
        let parts = shapes.map { "\($0.width)x\($0.height)x\($0.numFrames) \($0.mode ?? "does not fit")" }
        let fits = shapes.contains { $0.mode != nil }
        return Finding(fits ? .ok : .warning, "\(model) on \(device)", parts.joined(separator: ", "))
    }

    /// The model, the device and the largest that fits; `nil` if nothing does.
    fileprivate var text: String? {
        guard let largest = shapes.last(where: { $0.mode != nil }) else {
            return shapes.isEmpty ? "\(model) on \(device)" : nil
        }
        let size = "\(largest.width)x\(largest.height)x\(largest.numFrames)"
        return "\(model) on \(device), up to \(size) (\(largest.mode ?? ""))"
    }
}

/// Everything that was found, and what it comes to.
///
/// Pure.
struct Diagnosis: Encodable {
    var findings: [Finding]
    /// What this machine can do.
    var summary: String
    /// The worst.
    var verdict: Finding.Verdict

    init(_ findings: [Finding], abilities: [Ability]) {
        self.findings = findings
        verdict = findings.map(\.verdict).max() ?? .ok
        let count = findings.count { $0.verdict == .missing }
        let able = abilities.compactMap(\.text)
        summary =
            if count > 0 {
                "This machine cannot run a server yet: mend what is marked missing (\(count))."
            } else if able.isEmpty {
                "This machine can run a server, but no device has room for what its models make."
            } else {
                "This machine can make videos: \(able.joined(separator: "; "))."
            }
    }

    /// A line for each finding, and the summary.
    func lines(isColoured: Bool) -> [String] {
        findings.map { $0.line(isColoured: isColoured) } + [summary]
    }

    /// One JSON object.
    func json() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(self), as: UTF8.self)
    }
}
