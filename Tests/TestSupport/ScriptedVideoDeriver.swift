package import Engine
import Foundation
import Synchronization

/// A deriver in memory: writes a few bytes that name the variant and the video, or does what a test tells it to.
package final class ScriptedVideoDeriver: VideoDeriver {
    private let before: @Sendable (String) async -> EngineFault?
    private let made = Mutex<[String]>([])

    /// - Parameter before: called with the variant; what it returns is thrown, and nothing is written.
    package init(_ before: @escaping @Sendable (String) async -> EngineFault? = { _ in nil }) {
        self.before = before
    }

    /// The variants it was asked for, in order.
    package var calls: [String] {
        made.withLock { $0 }
    }

    package func derive(_ variant: String, from input: String, to output: String) async throws(EngineFault) {
        made.withLock { $0.append(variant) }
        if let fault = await before(variant) { throw fault }
        do {
            let video = try Data(contentsOf: URL(filePath: input))
            try Data("\(variant) of \(video.count) bytes".utf8).write(to: URL(filePath: output))
        } catch {
            throw EngineFault(code: "video_unreadable", message: "\(error)")
        }
    }
}
