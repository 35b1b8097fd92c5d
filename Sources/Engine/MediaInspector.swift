/// Looks into files that somebody has uploaded.
package protocol MediaInspector: Sendable {
    /// Decodes all of a file, under limits.
    ///
    /// - Parameter file: absolute path.
    /// - Returns: what it is.
    /// - Throws: `media_unreadable` or `media_too_large` if it can never be used; another code if that is not known now.
    func inspect(_ file: String) async throws(EngineFault) -> InspectedMedia
}

/// A file that was found to be a picture or a video.
package struct InspectedMedia: Sendable, Equatable, Codable {
    package enum Kind: String, Sendable, Codable {
        case image
        case video
    }

    package var kind: Kind
    /// `png`, `jpeg`, `webp`, `mp4`, `quicktime`, `webm` or `matroska`.
    package var format: String
    /// Pixels.
    package var width: Int
    package var height: Int
    /// 1 for a picture.
    package var numFrames: Int
    /// 0 for a picture.
    package var fps: Double
    /// 0 for a picture.
    package var seconds: Double

    enum CodingKeys: String, CodingKey {
        case kind
        case format
        case width
        case height
        case numFrames = "num_frames"
        case fps
        case seconds
    }

    package init(
        kind: Kind,
        format: String,
        width: Int,
        height: Int,
        numFrames: Int = 1,
        fps: Double = 0,
        seconds: Double = 0
    ) {
        self.kind = kind
        self.format = format
        self.width = width
        self.height = height
        self.numFrames = numFrames
        self.fps = fps
        self.seconds = seconds
    }

    /// Whether the numbers can be true.
    var isSound: Bool {
        width > 0 && height > 0 && numFrames > 0 && fps.isFinite && fps >= 0 && seconds.isFinite && seconds >= 0
    }
}
