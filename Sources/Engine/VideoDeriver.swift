/// Makes stills and small moving pictures from finished videos.
package protocol VideoDeriver: Sendable {
    /// Makes one file from a video; it is complete and synced when this returns, and not there if it throws.
    ///
    /// - Parameters:
    ///   - variant: what to make, in the words of `docs/engine-protocol.md`: `poster.jpg`, `preview.gif`.
    ///   - input: absolute path of an MP4.
    ///   - output: absolute path of the file to write.
    /// - Throws: `derivation_busy` while too many wait, `derivation_timeout`, `derivation_failed`,
    ///   `engine_not_startable`, or the code that the engine gives: `video_unreadable`, `video_too_large`,
    ///   `variant_unknown`, `dependencies_missing`, `disk_full`, `write_failed`.
    func derive(_ variant: String, from input: String, to output: String) async throws(EngineFault)
}
