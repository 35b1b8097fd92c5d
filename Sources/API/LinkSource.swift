import Tasks

/// The links of a server: of the secret of its settings, or of its own as long as it asks for keys; else none.
struct LinkSource: Sendable {
    private let always: VideoLinks?
    private let withKeys: VideoLinks?
    private let needsKeys: @Sendable () -> Bool

    /// - Parameters:
    ///   - settings: secrets and lifetime.
    ///   - clock: wall time counts.
    ///   - needsKeys: whether the server asks for keys now.
    init(_ settings: APISettings, clock: any ServiceClock, needsKeys: @escaping @Sendable () -> Bool) {
        func links(_ secret: String) -> VideoLinks {
            VideoLinks(secret: secret, lifetime: settings.videoLinkLifetime, clock: clock)
        }
        always = settings.videoLinkSecret.map(links)
        withKeys = settings.keptLinkSecret.map(links)
        self.needsKeys = needsKeys
    }

    /// What addresses of videos are signed with now; `nil`: with nothing.
    var current: VideoLinks? {
        always ?? (needsKeys() ? withKeys : nil)
    }
}
