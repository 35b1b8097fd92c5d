import Synchronization

/// The deliveries that are being sent, counted by receiver.
final class UnderWay: Sendable {
    private let counts = Mutex<[String: Int]>([:])

    var byReceiver: [String: Int] { counts.withLock { $0 } }

    func add(_ receiver: String) {
        counts.withLock { $0[receiver, default: 0] += 1 }
    }

    func remove(_ receiver: String) {
        counts.withLock { counts in
            guard let count = counts[receiver] else { return }
            counts[receiver] = count > 1 ? count - 1 : nil
        }
    }
}
