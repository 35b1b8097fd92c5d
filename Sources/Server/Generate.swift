import API
import ArgumentParser
import Foundation
import Logging

/// `animato generate`: one video, from the command line.
struct Generate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make one video and save it.",
        discussion: """
            Sends the prompt to a running server, shows the progress, and saves the MP4. With --local it starts everything
            itself and stops it again afterwards. Ctrl-C cancels the task.
            Exit codes: 0 saved, 1 the request was refused or the task failed, 69 no server answers.
            """
    )

    @Argument(help: "What the video shows.")
    var prompt: String

    @Option(help: "What it must not show.")
    var negativePrompt: String?

    @Option(help: "Width in pixels.")
    var width: Int?

    @Option(help: "Height in pixels.")
    var height: Int?

    @Option(help: "Number of frames: 4k+1.")
    var numFrames: Int?

    @Option(name: .customLong("steps"), help: "Denoising steps.")
    var numInferenceSteps: Int?

    @Option(help: "How closely the prompt is followed; 1 turns guidance off.")
    var guidanceScale: Double?

    @Option(help: "Frames a second.")
    var fps: Int?

    @Option(help: "The same seed and request make the same video.")
    var seed: Int?

    @Option(help: "The model, by its name; default: the first that takes what is given.")
    var modelName: String?

    @OptionGroup(title: "Pictures and videos to start from")
    var inputs: InputOptions

    @Option(help: ArgumentHelp("Speed for fidelity.", valueName: "off|balanced|fast"))
    var stepCache: String?

    @Option(help: ArgumentHelp("How urgent it is.", valueName: "low|normal|high"))
    var priority: String?

    @Option(name: .shortAndLong, help: ArgumentHelp("Where the MP4 goes; default: TASK_ID.mp4.", valueName: "file"))
    var output: String?

    @Option(help: "The server's address.")
    var server = "http://127.0.0.1:5000"

    @Flag(help: "Start a server for this one video, on a port of its own.")
    var local = false

    @OptionGroup(title: "Settings, with --local")
    var options: SettingOptions

    func run() async throws {
        if local {
            try await runLocal()
        } else {
            guard let url = URL(string: server), url.scheme != nil, url.host != nil else {
                throw Exit.because(Exit.unavailable, "\(server) is not an address; an example is http://127.0.0.1:5000")
            }
            try await generate(from: APIClient(server: url))
        }
    }

    private func generate(from client: APIClient) async throws {
        var request = APIClient.Request(
            prompt: prompt,
            negativePrompt: negativePrompt,
            width: width,
            height: height,
            numFrames: numFrames,
            numInferenceSteps: numInferenceSteps,
            guidanceScale: guidanceScale,
            fps: fps,
            seed: seed,
            model: modelName,
            stepCache: stepCache,
            priority: priority
        )
        do {
            try await client.waitUntilLive(for: .seconds(5))
            try await inputs.upload(to: client, for: &request)
            try await VideoOrder(client: client, request: request, output: output).carryOut()
        } catch APIClient.Failure.refused(let problem) {
            throw Exit.because(Exit.failure, problem.text)
        } catch APIClient.Failure.unreachable(let reason) {
            throw Exit.because(Exit.unavailable, reason)
        }
    }

    /// Runs a server in this process on a free port, for as long as the one video takes.
    private func runLocal() async throws {
        signal(SIGPIPE, SIG_IGN)
        var configuration = try options.configuration()
        configuration.http.port = 0
        let level = configuration.logLevel == .info ? Logger.Level.warning : configuration.logLevel
        LoggingSystem.bootstrap { label in
            var handler = StreamLogHandler.standardError(label: label)
            handler.logLevel = level
            return handler
        }
        let (addresses, bound) = AsyncStream.makeStream(of: URL.self)
        let server: Server
        do throws(ServerError) {
            server = try await Server.build(configuration, logger: Logger(label: "animato")) { address in
                if let url = URL(string: "http://\(address.host):\(address.port)") { bound.yield(url) }
            }
        } catch {
            throw Exit.because(Exit.unavailable, error.message)
        }
        try await withThrowingTaskGroup { group in
            group.addTask {
                try await server.run()
                bound.finish()
            }
            for await address in addresses {
                try await generate(from: APIClient(server: address))
                break
            }
            group.cancelAll()
            // Cancelled on purpose: its end is the end of the engine and of the store.
            do { try await group.waitForAll() } catch is CancellationError {}
        }
    }
}
