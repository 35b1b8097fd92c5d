package import Tasks

/// What the HTTP server can be told.
///
/// Only the composition root fills it from configuration.
package struct APISettings: Sendable, Equatable {
    /// The address to listen on.
    package var host: String
    /// The port to listen on; 0 lets the system choose.
    package var port: Int
    /// What clients put in front of our paths in every address of a response, without a slash at the end.
    ///
    /// For example `https://video.example.org`. `nil`: the scheme of the server and the `Host` of the request.
    package var publicURL: String?
    /// A PEM file with the server's certificate and its chain; with it and the key, connections are with TLS.
    package var tlsCertificate: String?
    /// A PEM file with the certificate's key.
    package var tlsKey: String?
    /// For how long browsers are told to use TLS alone; `nil`: they are told nothing.
    package var hsts: Duration?
    /// Origins whose pages may use the API from a browser, as browsers spell them, or `*`.
    package var corsOrigins: [String]
    /// The origin that videos are redirected to, and that pages may show them from; `nil`: none is redirected.
    package var videoOrigin: String?
    /// Limit of a request body, in bytes.
    package var maxBodyBytes: Int
    /// Limit of an uploaded file, in bytes.
    package var maxUploadBytes: Int64
    /// Files that are uploaded at the same time, at most.
    package var maxConcurrentUploads: Int
    /// A connection on which nothing arrives for this long is closed, as is one whose client does not read its
    /// response.
    package var idleTimeout: Duration
    /// From the head of a request until the last byte of its body.
    package var bodyDeadline: Duration
    /// The same for an upload.
    package var uploadDeadline: Duration
    /// Limit of one header field, and of all of them together, in bytes.
    package var maxHeaderBytes: Int
    /// Limit of the number of header fields.
    package var maxHeaderFields: Int
    /// Connections beyond this many wait in the backlog of the system.
    package var maxConnections: Int
    /// Clients that follow a task or wait for its end, at most.
    package var maxStreams: Int
    /// A stream of events on which nothing happens gets a sign of life this often.
    package var heartbeat: Duration
    /// How often a task is looked at for a client that follows it, where nothing says that it has changed.
    package var streamInterval: Duration
    /// How long a client may wait for the end of a task, in whole seconds.
    package var maxWaitSeconds: Int
    /// What `Retry-After` says when the queue is full or a part of the server is not there.
    package var retryAfter: Duration
    /// Tasks on a page when the client does not say.
    package var defaultPageSize: Int
    /// Tasks on a page at most.
    package var maxPageSize: Int
    /// Encoded tasks kept for clients that ask again.
    package var cachedTaskBodies: Int
    /// Which addresses clients may have called back.
    package var callbacks: CallbackPolicy
    /// Which addresses clients may have pictures and videos fetched from.
    package var mediaURLs: CallbackPolicy
    /// Signs the addresses of videos; with it, only signed addresses are answered.
    ///
    /// `nil`: no address needs a signature, as long as nobody needs a key.
    package var videoLinkSecret: String?
    /// Signs the addresses of videos in its place while the server asks for keys.
    package var keptLinkSecret: String?
    /// How long a signed address is good for, at least.
    package var videoLinkLifetime: Duration
    /// Other names of models, for clients of the OpenAI API that name those they know.
    package var openAIModelAliases: [OpenAIModelAlias]

    package init(
        host: String = "127.0.0.1",
        port: Int = 5000,
        publicURL: String? = nil,
        tlsCertificate: String? = nil,
        tlsKey: String? = nil,
        hsts: Duration? = nil,
        corsOrigins: [String] = [],
        videoOrigin: String? = nil,
        maxBodyBytes: Int = 1_048_576,
        maxUploadBytes: Int64 = 64 << 20,
        maxConcurrentUploads: Int = 32,
        idleTimeout: Duration = .seconds(60),
        bodyDeadline: Duration = .seconds(30),
        uploadDeadline: Duration = .seconds(600),
        maxHeaderBytes: Int = 16_384,
        maxHeaderFields: Int = 100,
        maxConnections: Int = 4096,
        maxStreams: Int = 1000,
        heartbeat: Duration = .seconds(15),
        streamInterval: Duration = .seconds(3),
        maxWaitSeconds: Int = 60,
        retryAfter: Duration = .seconds(5),
        defaultPageSize: Int = 20,
        maxPageSize: Int = 100,
        cachedTaskBodies: Int = 4096,
        callbacks: CallbackPolicy = CallbackPolicy(),
        mediaURLs: CallbackPolicy = CallbackPolicy(),
        videoLinkSecret: String? = nil,
        keptLinkSecret: String? = nil,
        videoLinkLifetime: Duration = .seconds(86_400),
        openAIModelAliases: [OpenAIModelAlias] = []
    ) {
        self.host = host
        self.port = port
        self.publicURL = publicURL
        self.tlsCertificate = tlsCertificate
        self.tlsKey = tlsKey
        self.hsts = hsts
        self.corsOrigins = corsOrigins
        self.videoOrigin = videoOrigin
        self.maxBodyBytes = maxBodyBytes
        self.maxUploadBytes = maxUploadBytes
        self.maxConcurrentUploads = maxConcurrentUploads
        self.idleTimeout = idleTimeout
        self.bodyDeadline = bodyDeadline
        self.uploadDeadline = uploadDeadline
        self.maxHeaderBytes = maxHeaderBytes
        self.maxHeaderFields = maxHeaderFields
        self.maxConnections = maxConnections
        self.maxStreams = maxStreams
        self.heartbeat = heartbeat
        self.streamInterval = streamInterval
        self.maxWaitSeconds = maxWaitSeconds
        self.retryAfter = retryAfter
        self.defaultPageSize = defaultPageSize
        self.maxPageSize = maxPageSize
        self.cachedTaskBodies = cachedTaskBodies
        self.callbacks = callbacks
        self.mediaURLs = mediaURLs
        self.videoLinkSecret = videoLinkSecret
        self.keptLinkSecret = keptLinkSecret
        self.videoLinkLifetime = videoLinkLifetime
        self.openAIModelAliases = openAIModelAliases
    }
}

extension APISettings {
    /// What stands in front of an address of this server: `http` or `https`.
    package var scheme: String { tlsCertificate == nil ? "http" : "https" }
}
