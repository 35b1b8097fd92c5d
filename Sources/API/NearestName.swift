/// Finds what a misspelt name was meant to be.
package enum NearestName {
    /// Longer names are not looked at, so that the work is bounded.
    private static let maxLength = 48

    /// The name that the given one is most like; `nil` if it is like none.
    ///
    /// Case and underscores do not count; beyond that, one edit for each three letters is allowed.
    package static func of(_ given: String, among names: [String]) -> String? {
        guard given.utf8.count <= maxLength else { return nil }
        let letters = plain(given)
        guard !letters.isEmpty else { return nil }
        var best: (name: String, distance: Int)?
        for name in names {
            let distance = distance(letters, plain(name))
            if distance < best?.distance ?? .max { best = (name, distance) }
        }
        guard let best, best.distance <= max(1, letters.count / 3) else { return nil }
        return best.name
    }

    private static func plain(_ name: String) -> [Character] {
        name.lowercased().filter { $0 != "_" && $0 != "-" }
    }

    /// Insertions, deletions, replacements and swaps of neighbours that turn one into the other.
    private static func distance(_ left: [Character], _ right: [Character]) -> Int {
        var beforeLast: [Int] = []
        var last = Array(0...right.count)
        for (row, letter) in left.enumerated() {
            var current = [row + 1]
            for (column, other) in right.enumerated() {
                var cost = min(last[column] + (letter == other ? 0 : 1), last[column + 1] + 1, current[column] + 1)
                if row > 0, column > 0, letter == right[column - 1], left[row - 1] == other {
                    cost = min(cost, beforeLast[column - 1] + 1)
                }
                current.append(cost)
            }
            beforeLast = last
            last = current
        }
        return last[right.count]
    }
}
