package import Engine
import Foundation
import Tasks

/// Files in the shared folder, looked into and made by a process that has an engine's installation.
///
/// Media are decoded where engines are, and so never in a process that only answers requests.
package struct RemoteMedia: MediaInspector, VideoDeriver {
    /// What is asked of the other process; paths are those within the shared folder.
    private struct Request: Codable {
        var input: String
        /// Nothing for a file that is only looked into.
        var variant: String?
        var output: String?
    }

    private struct Reply: Codable {
        var media: InspectedMedia?
        /// The code and the message of a fault; empty where all went well.
        var fault: [String] = []
    }

    private static let inspection = "inspect"
    private static let derivation = "derive"
    /// Longer than either takes at most where it is done.
    private static let patience: Duration = .seconds(90)

    private let calls: RemoteCalls
    private let folder: SharedFolder

    /// - Parameters:
    ///   - calls: reaches the processes that can.
    ///   - folder: where the files are.
    package init(calls: RemoteCalls, folder: SharedFolder) {
        self.calls = calls
        self.folder = folder
    }

    package func inspect(_ file: String) async throws(EngineFault) -> InspectedMedia {
        let request = Request(input: try place(of: file))
        guard let media = try await ask(Self.inspection, request).media else {
            throw EngineFault(code: "inspection_failed", message: "What the file is said to be cannot be read.")
        }
        return media
    }

    package func derive(_ variant: String, from input: String, to output: String) async throws(EngineFault) {
        let request = Request(input: try place(of: input), variant: variant, output: try place(of: output))
        _ = try await ask(Self.derivation, request)
    }

    private func place(of path: String) throws(EngineFault) -> String {
        guard let place = folder.relative(path) else {
            throw EngineFault(code: "no_worker", message: "The file is not where workers could read it.")
        }
        return place
    }

    private func ask(_ kind: String, _ request: Request) async throws(EngineFault) -> Reply {
        let reply: Reply
        do {
            let body = try JSONEncoder().encode(request)
            let answer = try await calls.call(kind, Array(body), patience: Self.patience)
            reply = try JSONDecoder().decode(Reply.self, from: Data(answer))
        } catch {
            throw EngineFault(code: "no_worker", message: "No worker has answered.")
        }
        guard reply.fault.isEmpty else {
            throw EngineFault(code: reply.fault[0], message: reply.fault.dropFirst().joined(separator: " "))
        }
        return reply
    }

    // MARK: The other side

    /// What a process with an installation does for those without.
    ///
    /// - Parameters:
    ///   - inspector: looks into files here.
    ///   - deriver: makes files here.
    ///   - folder: where the files are.
    /// - Returns: the handlers, by the kind of call.
    package static func handlers(
        _ inspector: any MediaInspector,
        _ deriver: any VideoDeriver,
        folder: SharedFolder
    ) -> [String: RemoteCalls.Handler] {
        [
            inspection: { body in
                await answer(body) { (request) async throws(EngineFault) -> Reply in
                    Reply(media: try await inspector.inspect(try path(request.input, in: folder)))
                }
            },
            derivation: { body in
                await answer(body) { (request) async throws(EngineFault) -> Reply in
                    try await deriver.derive(
                        request.variant ?? "",
                        from: try path(request.input, in: folder),
                        to: try path(request.output ?? "", in: folder)
                    )
                    return Reply()
                }
            },
        ]
    }

    private static func path(_ place: String, in folder: SharedFolder) throws(EngineFault) -> String {
        guard let path = folder.absolute(place) else {
            throw EngineFault(code: "derivation_failed", message: "The path leads out of the shared folder.")
        }
        return path
    }

    private static func answer(
        _ body: [UInt8],
        _ work: (Request) async throws(EngineFault) -> Reply
    ) async -> [UInt8] {
        var reply: Reply
        do throws(EngineFault) {
            guard let request = try? JSONDecoder().decode(Request.self, from: Data(body)) else {
                throw EngineFault(code: "derivation_failed", message: "The call cannot be read.")
            }
            reply = try await work(request)
        } catch {
            reply = Reply(fault: [error.code, error.message])
        }
        // A reply of strings and numbers can always be written.
        return (try? JSONEncoder().encode(reply)).map(Array.init) ?? []
    }
}
