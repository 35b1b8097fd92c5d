import Tasks

extension JSONWriter {
    /// An upload as clients see it, keys sorted.
    mutating func upload(_ upload: Upload) {
        let media = upload.media
        object { json in
            json.key("bytes")
            json.number(media.bytes)
            json.key("created_at")
            json.moment(upload.createdAt)
            json.key("duration_seconds")
            json.number(media.seconds)
            json.key("expires_at")
            json.moment(upload.expiresAt)
            json.key("format")
            json.string(media.format)
            json.key("fps")
            json.number(media.fps)
            json.key("height")
            json.number(media.height)
            json.key("id")
            json.string(media.id.hex)
            json.key("kind")
            json.string(media.kind.rawValue)
            json.key("num_frames")
            json.number(media.numFrames)
            json.key("width")
            json.number(media.width)
        }
    }
}
