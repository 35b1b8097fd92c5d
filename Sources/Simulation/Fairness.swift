/// How evenly something is shared.
package enum Fairness {
    /// Jain's index: 1 if all have the same, 1/n if one of n has everything.
    ///
    /// Jain, Chiu and Hawe, "A quantitative measure of fairness and discrimination" (DEC-TR-301, 1984).
    ///
    /// - Parameter shares: what each has.
    /// - Returns: the index; 1 if nobody has anything.
    package static func jain(_ shares: some Sequence<Double>) -> Double {
        var (count, sum, squares) = (0.0, 0.0, 0.0)
        for share in shares {
            count += 1
            sum += share
            squares += share * share
        }
        return squares > 0 ? sum * sum / (count * squares) : 1
    }
}
