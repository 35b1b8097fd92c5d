package import Engine
import Foundation
import Synchronization

/// An inspector in memory: knows a file by its first bytes, or says what a test tells it to.
package final class ScriptedMediaInspector: MediaInspector {
    private let judge: @Sendable (String) async throws(EngineFault) -> InspectedMedia
    private let asked = Mutex<[String]>([])

    /// - Parameter judge: called with the file; if none is given, a PNG is a picture, an MP4 a video, and nothing else is
    ///   anything.
    package init(
        _ judge: @escaping @Sendable (String) async throws(EngineFault) -> InspectedMedia = ScriptedMediaInspector
            .knowing
    ) {
        self.judge = judge
    }

    /// The files it was asked for, in order.
    package var calls: [String] {
        asked.withLock { $0 }
    }

    package func inspect(_ file: String) async throws(EngineFault) -> InspectedMedia {
        asked.withLock { $0.append(file) }
        return try await judge(file)
    }

    /// Knows a PNG and an MP4 by their first bytes; nothing is decoded.
    @Sendable
    package static func knowing(_ file: String) async throws(EngineFault) -> InspectedMedia {
        let data = (try? Data(contentsOf: URL(filePath: file))) ?? Data()
        if data.starts(with: [0x89, 0x50, 0x4E, 0x47]) {
            return InspectedMedia(kind: .image, format: "png", width: 64, height: 64)
        }
        if data.dropFirst(4).starts(with: Data("ftyp".utf8)) {
            return InspectedMedia(
                kind: .video, format: "mp4", width: 64, height: 64, numFrames: 49, fps: 8, seconds: 6.125
            )
        }
        throw EngineFault(code: "media_unreadable", message: "It is no picture and no video.")
    }
}
