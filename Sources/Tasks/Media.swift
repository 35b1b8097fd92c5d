/// What a picture or a video is to a request.
package enum InputRole: String, Sendable, CaseIterable, Codable {
    /// The first frame.
    case startImage = "start_image"
    /// The last frame.
    case endImage = "end_image"
    /// The video to make anew.
    case video
    /// Outlines, masks, depth or poses to follow.
    case controlVideo = "control_video"
    /// A picture of the subject.
    case refImage = "ref_image"

    /// What a file must be for this.
    package var kind: MediaKind {
        switch self {
        case .startImage, .endImage, .refImage: .image
        case .video, .controlVideo: .video
        }
    }
}

/// The kinds of files that requests bring.
package enum MediaKind: String, Sendable, CaseIterable {
    case image
    case video
}

/// The name of an uploaded file: SHA-256 of its content, 64 lower-case hexadecimal digits.
package struct MediaID: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let hex: String

    /// `nil` for anything but 64 lower-case hexadecimal digits, so that an id can be part of a path.
    package init?(_ text: some StringProtocol) {
        guard text.utf8.count == 64, text.utf8.allSatisfy({ (48...57).contains($0) || (97...102).contains($0) }) else {
            return nil
        }
        hex = String(text)
    }

    package var description: String { hex }

    package static func < (lhs: MediaID, rhs: MediaID) -> Bool {
        lhs.hex < rhs.hex
    }
}

extension MediaID: Codable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let id = MediaID(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "no SHA-256")
        }
        self = id
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(hex)
    }
}

/// A file that was found to be a picture or a video: an engine process has decoded all of it.
package struct Media: Sendable, Equatable {
    package var id: MediaID
    package var bytes: Int64
    package var kind: MediaKind
    /// As libav names it: `png`, `mp4`.
    package var format: String
    /// Pixels, after the rotation that the file asks for.
    package var width: Int
    package var height: Int
    /// 1 for a picture.
    package var numFrames: Int
    /// Frames a second; 0 for a picture.
    package var fps: Double
    /// To the millisecond; 0 for a picture.
    package var seconds: Double

    package init(
        id: MediaID,
        bytes: Int64,
        kind: MediaKind,
        format: String,
        width: Int,
        height: Int,
        numFrames: Int,
        fps: Double,
        seconds: Double
    ) {
        self.id = id
        self.bytes = bytes
        self.kind = kind
        self.format = format
        self.width = width
        self.height = height
        self.numFrames = numFrames
        self.fps = fps
        self.seconds = seconds
    }

    /// How many frames it has at another rate, counted from its start; at least 1.
    ///
    /// Never more than an engine finds, which counts the times 0, 1/rate, 2/rate … before the exact end; and no fewer
    /// where the video lasts a whole number of frames.
    package func frames(at rate: Int) -> Int {
        // Rounding may have put the end half a millisecond too late; the rest is for the rounding of this sum.
        let frames = ((seconds - 0.000_6) * Double(rate)).rounded(.up)
        guard frames.isFinite, frames < 1e9 else { return 1 }
        return max(1, Int(frames))
    }
}
