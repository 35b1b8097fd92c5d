import HTTPTypes

extension APISettings {
    /// What the body of a request may be.
    struct BodyLimits: Equatable {
        /// The form around an upload included.
        var bytes: Int
        /// From the head until the last byte.
        var deadline: Duration
    }

    /// The limits for a request, known from its head.
    func bodyLimits(_ head: HTTPRequest) -> BodyLimits {
        guard head.method == .post, let path = head.path?.prefix(while: { $0 != "?" }), path == RoutePath.uploads else {
            return BodyLimits(bytes: maxBodyBytes, deadline: bodyDeadline)
        }
        return BodyLimits(bytes: maxUploadBodyBytes, deadline: uploadDeadline)
    }

    /// Of a file and a form around it.
    var maxUploadBodyBytes: Int {
        Int(clamping: maxUploadBytes.addingReportingOverflow(Int64(MultipartReader.maxEnvelope)).partialValue)
    }
}
