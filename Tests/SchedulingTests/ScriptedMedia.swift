import Engine
import Foundation
import Tasks
import TestSupport

extension ScriptedMediaInspector {
    /// Says what a file is by its first line, so that a test decides it: `image 640x480`, `video 640x480 25@8`, `busy`.
    ///
    /// Everything else is no picture and no video.
    static var byFirstLine: ScriptedMediaInspector { ScriptedMediaInspector(read) }

    @Sendable
    private static func read(_ file: String) async throws(EngineFault) -> InspectedMedia {
        let text = (try? String(contentsOfFile: file, encoding: .utf8)) ?? ""
        let words = text.split(separator: "\n").first?.split(separator: " ") ?? []
        if words.first == "busy" {
            throw EngineFault(code: "inspection_busy", message: "Too many wait for it already.")
        }
        guard words.count >= 2, let size = pair(words[1], "x") else { throw unreadable }
        if words[0] == "image" {
            return InspectedMedia(kind: .image, format: "png", width: size.0, height: size.1)
        }
        guard words[0] == "video", words.count == 3, let frames = pair(words[2], "@") else { throw unreadable }
        return InspectedMedia(
            kind: .video,
            format: "mp4",
            width: size.0,
            height: size.1,
            numFrames: frames.0,
            fps: Double(frames.1),
            seconds: Double(frames.0) / Double(frames.1)
        )
    }

    private static var unreadable: EngineFault {
        EngineFault(code: "media_unreadable", message: "The file is no picture and no video.")
    }

    private static func pair(_ text: Substring, _ separator: Character) -> (Int, Int)? {
        let parts = text.split(separator: separator).compactMap { Int($0) }
        return parts.count == 2 && parts.allSatisfy { $0 > 0 } ? (parts[0], parts[1]) : nil
    }
}

/// Gives what the path of an address says, as `byFirstLine` reads it: `https://host/image%20640x480`.
struct ScriptedMediaFetcher: MediaFetcher {
    func fetch(
        _ url: CallbackURL,
        limit: Int64,
        receive: @escaping @Sendable ([UInt8]) async throws -> Void
    ) async throws {
        guard let path = URL(string: url.text)?.path, path.count > 1 else {
            throw MediaFetchError(code: "media_fetch_failed", message: "There is nothing there.")
        }
        try await receive(Array(path.dropFirst().utf8))
    }
}
