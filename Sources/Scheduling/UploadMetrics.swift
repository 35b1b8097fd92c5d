import Metrics
import Results
import Tasks

/// What is counted of the files that clients bring.
struct UploadMetrics: Sendable {
    private let factory: any MetricsFactory
    private let kept: Counter

    init() {
        factory = MetricsSystem.factory
        kept = Self.counter("kept", factory)
    }

    func accepted() {
        kept.increment()
    }

    func refused(_ error: AdmissionError) {
        Self.counter(SchedulingMetrics.label(error.uploadCode), factory).increment()
    }

    private static func counter(_ outcome: String, _ factory: any MetricsFactory) -> Counter {
        Counter(label: "animato_uploads_total", dimensions: [("outcome", outcome)], factory: factory)
    }
}

extension AdmissionError {
    /// Why a file was not kept.
    fileprivate var uploadCode: String {
        switch self {
        case .uploadTooLarge: "upload_too_large"
        case .mediaRefused(let code, _), .mediaUnavailable(let code): code
        case .mediaFetch(let error): error.code
        case .store(let error): error.code
        case .results(let error): error.code
        case .modelUnknown, .refused, .deviceUnknown, .videoExpired, .variantUnavailable: "other"
        }
    }
}
