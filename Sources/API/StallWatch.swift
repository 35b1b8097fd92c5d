import NIOCore

/// Closes a connection whose client has stopped taking what is being sent.
///
/// It runs while bytes wait and none are added to them. Used on one event loop.
final class StallWatch {
    /// Bytes that a client must take within every idle timeout.
    ///
    /// One that takes its time with a large piece is left in peace; one that dribbles does not hold a connection.
    private static let leastProgress = 32_768

    private let idleTimeout: TimeAmount
    private var timer: Scheduled<Void>?

    init(idleTimeout: Duration) {
        self.idleTimeout = TimeAmount(idleTimeout)
    }

    /// Begins, anew if it runs.
    func start(_ context: ChannelHandlerContext) {
        stop()
        let before = unsentBytes(context)
        timer = context.eventLoop.assumeIsolated().scheduleTask(in: idleTimeout) {
            guard before - self.unsentBytes(context) >= Self.leastProgress else {
                context.close(promise: nil)
                return
            }
            self.start(context)
        }
    }

    func stop() {
        timer?.cancel()
        timer = nil
    }

    private func unsentBytes(_ context: ChannelHandlerContext) -> Int {
        (try? context.channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
    }
}
