import Tasks

/// Finished generations by their keys, in the writer's memory, so that a cached answer costs no look into the database.
///
/// A finished generation never changes; it can only stop being the answer, and then it is forgotten here with the commit
/// that says so. Bounded: when full, all are forgotten and read again when they are asked for.
struct FinishedAnswers {
    private static let capacity = 4096

    private var rows: [GenerationKey: GenerationRow] = [:]

    subscript(key: GenerationKey) -> GenerationRow? { rows[key] }

    /// Takes over what a committed transaction has found and changed.
    mutating func apply(_ effects: WriteEffects) {
        for row in effects.answers where !effects.changedAnswers.contains(row.generation.key) {
            if rows.count >= Self.capacity { rows.removeAll(keepingCapacity: true) }
            rows[row.generation.key] = row
        }
        for key in effects.changedAnswers { rows[key] = nil }
    }
}
