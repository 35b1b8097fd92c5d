package import Tasks

/// What would become of a request.
package struct Estimate: Sendable, Equatable {
    /// The name of the model that would make the video.
    package var model: String
    /// Predicted seconds that the video takes a device, whether or not it would be made.
    package var deviceSeconds: Double
    /// Predicted seconds until the work would begin; `nil` if no engine could take it.
    package var waitSeconds: Double?
    /// Predicted seconds until the video would be there; `nil` if no engine could take it.
    package var etaSeconds: Double?
    /// Whether the video is there.
    package var isCached: Bool
    /// Whether it would share a generation that waits or runs.
    package var isShared: Bool
    /// How the model would be held in the memory of the largest device; `nil` if nothing is known of it.
    package var memoryMode: MemoryMode?
    /// Why it would be refused; `nil`: it would be accepted.
    package var refusal: AdmissionError?

    package init(
        model: String,
        deviceSeconds: Double,
        waitSeconds: Double? = nil,
        etaSeconds: Double? = nil,
        isCached: Bool = false,
        isShared: Bool = false,
        memoryMode: MemoryMode? = nil,
        refusal: AdmissionError? = nil
    ) {
        self.model = model
        self.deviceSeconds = deviceSeconds
        self.waitSeconds = waitSeconds
        self.etaSeconds = etaSeconds
        self.isCached = isCached
        self.isShared = isShared
        self.memoryMode = memoryMode
        self.refusal = refusal
    }
}
