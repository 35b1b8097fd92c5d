import Foundation

/// The time of day, as files and objects are marked with it.
package enum WallClock {
    /// Since 1970.
    package static let milliseconds: @Sendable () -> Int64 = { Int64(Date().timeIntervalSince1970 * 1000) }
}
