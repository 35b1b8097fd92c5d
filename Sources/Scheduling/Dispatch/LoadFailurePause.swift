/// How long a device that cannot load its model is left alone: doubles from one second to one minute.
struct LoadFailurePause: Sendable {
    private var failures = 0

    /// The pause after one more failure.
    mutating func next() -> Duration {
        failures += 1
        return min(.seconds(60), .seconds(1) * (1 << min(failures - 1, 6)))
    }

    mutating func reset() {
        failures = 0
    }
}
