import Metrics
import Synchronization

/// Bounds how many clients wait for something to happen, because each holds a connection and some memory.
final class StreamPlaces: Sendable {
    /// One place; given back when nobody holds it any more.
    final class Place: Sendable {
        private let places: StreamPlaces

        fileprivate init(_ places: StreamPlaces) {
            self.places = places
        }

        deinit {
            places.free.withLock { $0 += 1 }
            places.open.decrement()
        }
    }

    private let free: Mutex<Int>
    private let open: Meter

    /// - Parameters:
    ///   - count: the most that there may be.
    ///   - open: shows how many are taken.
    init(_ count: Int, open: Meter) {
        free = Mutex(count)
        self.open = open
    }

    /// Takes a place; `nil` if there is none.
    func take() -> Place? {
        let isFree = free.withLock { free in
            guard free > 0 else { return false }
            free -= 1
            return true
        }
        guard isFree else { return nil }
        open.increment()
        return Place(self)
    }
}
