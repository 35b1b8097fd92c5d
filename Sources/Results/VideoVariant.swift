/// Something made from a video: a still, a sheet of stills, or a small moving picture.
package enum VideoVariant: String, Sendable, CaseIterable {
    /// The first frame.
    case posterJPEG = "poster.jpg"
    case posterWebP = "poster.webp"
    /// Frames at even distances, side by side, for a scrub bar.
    case sprites = "sprites.jpg"
    /// The whole video, without sound, at most 320 pixels wide, in a loop.
    case previewGIF = "preview.gif"
    case previewWebP = "preview.webp"

    /// The media type of the file.
    package var mediaType: String {
        switch self {
        case .posterJPEG, .sprites: "image/jpeg"
        case .posterWebP, .previewWebP: "image/webp"
        case .previewGIF: "image/gif"
        }
    }
}
