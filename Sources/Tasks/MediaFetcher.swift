/// Gets a picture or a video from an address that a client gave.
package protocol MediaFetcher: Sendable {
    /// Reads what is at an address, part by part.
    ///
    /// Only public addresses are connected to, as for callbacks; redirects are followed under the same rules, a few.
    ///
    /// - Parameters:
    ///   - url: known to be one that may be called.
    ///   - limit: bytes, at most.
    ///   - receive: gets the parts in order; what it throws ends the fetch and is thrown on.
    /// - Throws: `MediaFetchError`, or what `receive` threw.
    func fetch(
        _ url: CallbackURL,
        limit: Int64,
        receive: @escaping @Sendable ([UInt8]) async throws -> Void
    ) async throws
}

/// Why a file could not be fetched.
package struct MediaFetchError: Error, Sendable, Equatable {
    /// Stable, snake_case: `media_fetch_forbidden`, `media_fetch_failed`, `media_fetch_timeout`, `media_too_large`.
    package var code: String
    /// For people; names no more of the address than the client itself gave.
    package var message: String

    package init(code: String, message: String) {
        self.code = code
        self.message = message
    }
}
