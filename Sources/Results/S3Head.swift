import Foundation
import NIOHTTP1

/// What an S3-compatible service says of a video without sending it.
struct S3Head: Sendable, Equatable {
    let bytes: Int64
    /// Milliseconds since 1970, to the second.
    let modified: Int64
    /// Whether length and hash are those that were stored with it.
    let isWhole: Bool

    init(_ answer: S3Client.Answer, of name: VideoName) throws(ResultStoreError) {
        bytes = try answer.contentLength
        guard let modified = answer.headers.first(name: "last-modified").flatMap(Self.milliseconds) else {
            throw .unavailable("the S3 service does not say when an object was uploaded")
        }
        self.modified = modified
        isWhole =
            answer.headers.first(name: "x-amz-meta-sha256") == name.hex
            && answer.headers.first(name: "x-amz-meta-bytes") == String(bytes)
    }

    /// Reads `Fri, 24 May 2013 00:00:00 GMT`.
    static func milliseconds(_ text: String) -> Int64? {
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        let parts = text.split(separator: " ")
        guard parts.count == 6, parts[5] == "GMT", let day = Int32(parts[1]),
            let month = months.firstIndex(of: String(parts[2])), let year = Int32(parts[3])
        else { return nil }
        let time = parts[4].split(separator: ":").compactMap { Int32($0) }
        guard time.count == 3, (1970...9999).contains(year) else { return nil }
        var calendar = tm()
        (calendar.tm_year, calendar.tm_mon, calendar.tm_mday) = (year - 1900, Int32(month), day)
        (calendar.tm_hour, calendar.tm_min, calendar.tm_sec) = (time[0], time[1], time[2])
        return Int64(timegm(&calendar)) * 1000
    }
}

extension S3Client.Answer {
    var contentLength: Int64 {
        get throws(ResultStoreError) {
            guard let length = headers.first(name: "content-length").flatMap({ Int64($0) }) else {
                throw .unavailable("the S3 service does not say how long an object is")
            }
            return length
        }
    }
}
