import Logging
import Metrics

/// Counts what is logged at warning and above, and has another handler write it.
struct CountingLogHandler: LogHandler {
    /// The counts, of all loggers together.
    private struct Counts {
        let warnings = Self.counter(.warning)
        let errors = Self.counter(.error)
        let critical = Self.counter(.critical)

        private static func counter(_ level: Logger.Level) -> Counter {
            Counter(label: "animato_log_messages_total", dimensions: [("level", level.rawValue)])
        }
    }

    private let counts = Counts()
    private var writer: any LogHandler

    init(_ writer: any LogHandler) {
        self.writer = writer
    }

    var logLevel: Logger.Level {
        get { writer.logLevel }
        set { writer.logLevel = newValue }
    }

    var metadata: Logger.Metadata {
        get { writer.metadata }
        set { writer.metadata = newValue }
    }

    var metadataProvider: Logger.MetadataProvider? {
        get { writer.metadataProvider }
        set { writer.metadataProvider = newValue }
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { writer[metadataKey: key] }
        set { writer[metadataKey: key] = newValue }
    }

    func log(event: LogEvent) {
        switch event.level {
        case .warning: counts.warnings.increment()
        case .error: counts.errors.increment()
        case .critical: counts.critical.increment()
        case .trace, .debug, .info, .notice: break
        }
        writer.log(event: event)
    }
}
