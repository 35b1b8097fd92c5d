import NIOCore

/// Asks a connection to tell, once, when its client has closed it or will send nothing more.
///
/// An event for `ConnectionGuard`; it holds until the response that is being made has ended.
struct ClientDeparture: Sendable {
    let tell: @Sendable () -> Void
}

/// Keeps at most one such wish of a connection.
struct DepartureWatch {
    private var hasDeparted = false
    private var departure: ClientDeparture?

    mutating func add(_ departure: ClientDeparture) {
        if hasDeparted { departure.tell() } else { self.departure = departure }
    }

    mutating func depart() {
        hasDeparted = true
        departure?.tell()
        departure = nil
    }

    mutating func forget() {
        departure = nil
    }
}
