/// How much of the model's work may be replaced by what the step before gave.
package enum StepCacheLevel: String, Sendable, CaseIterable, Codable, Comparable {
    case off
    case balanced
    case fast

    /// Whether `lhs` is the more faithful.
    package static func < (lhs: StepCacheLevel, rhs: StepCacheLevel) -> Bool {
        lhs.rung < rhs.rung
    }

    private var rung: Int {
        switch self {
        case .off: 0
        case .balanced: 1
        case .fast: 2
        }
    }
}

/// How urgent a task is, in the words of the API.
package enum TaskPriority: String, Sendable, CaseIterable {
    /// Somebody waits for it.
    case interactive
    case normal
    /// It has time.
    case batch

    /// Higher first; stores keep it.
    package var rank: Int {
        switch self {
        case .interactive: 10
        case .normal: 0
        case .batch: -10
        }
    }

    /// The word for a rank that was stored.
    package init(rank: Int) {
        self = rank < 0 ? .batch : rank == 0 ? .normal : .interactive
    }
}

/// A LoRA that requests may name.
package struct LoRADescription: Sendable, Equatable {
    package var name: String
    /// SHA-256 of the file, in hexadecimal; part of every generation key that it shapes.
    package var fingerprint: String
    package var bytes: Int64

    package init(name: String, fingerprint: String, bytes: Int64) {
        self.name = name
        self.fingerprint = fingerprint
        self.bytes = bytes
    }
}

/// A LoRA as a request uses it.
package struct LoRAUse: Sendable, Hashable, Codable {
    package static let maximumCount = 8
    package static let scales = -4.0...4.0

    package var name: String
    package var fingerprint: String
    package var scale: Double

    package init(name: String, fingerprint: String, scale: Double) {
        self.name = name
        self.fingerprint = fingerprint
        self.scale = scale
    }
}
