/// A bar of characters that shows a part of a whole.
enum Bar {
    /// - Parameters:
    ///   - part: from 0 to 1; anything else is taken for the nearer of the two.
    ///   - width: of the whole bar.
    /// - Returns: as many characters as it is wide.
    static func text(_ part: Double, width: Int) -> String {
        let width = max(0, width)
        // No number is no part.
        let bounded = part.isNaN ? 0 : min(max(0, part), 1)
        let filled = Int((bounded * Double(width)).rounded(.down))
        return String(repeating: "█", count: filled) + String(repeating: "░", count: width - filled)
    }

    /// How much of a whole number of things is done.
    static func part(_ done: Int, of all: Int) -> Double { all > 0 ? Double(done) / Double(all) : 0 }
}
