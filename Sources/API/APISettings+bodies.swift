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
        let usual = BodyLimits(bytes: maxBodyBytes, deadline: bodyDeadline)
        guard head.method == .post, let path = head.path?.prefix(while: { $0 != "?" }) else { return usual }
        if path == RoutePath.uploads { return BodyLimits(bytes: maxUploadBodyBytes, deadline: uploadDeadline) }
        if path == Route.openAIVideos.rawValue, head.headerFields[.contentType]?.isForm == true {
            return BodyLimits(bytes: maxFormBytes, deadline: uploadDeadline)
        }
        return usual
    }

    /// Of a form with a file and other fields.
    var maxFormBytes: Int {
        let (bytes, isTooLarge) = maxUploadBodyBytes.addingReportingOverflow(maxBodyBytes)
        return isTooLarge ? .max : bytes
    }

    /// Of a file and a form around it.
    var maxUploadBodyBytes: Int {
        Int(clamping: maxUploadBytes.addingReportingOverflow(Int64(MultipartReader.maxEnvelope)).partialValue)
    }
}

extension String {
    /// Whether a content type says that the body is a form with files.
    var isForm: Bool {
        prefix { $0 != ";" }.trimmingSpace.lowercased() == "multipart/form-data"
    }
}
