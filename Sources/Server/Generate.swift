import API
import Access
import ArgumentParser
import Foundation
import Logging

/// `animato generate`: one video, from the command line.
struct Generate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make one video and save it.",
        discussion: """
            Sends the prompt to a running server, shows the stage, the steps, the time that is left and the place in the
            queue, and saves the MP4. Ctrl-C cancels the task. With --local it starts everything itself and stops it again
            afterwards.

            Examples:
              animato generate "a cat on grass"
              animato generate "a cat on grass" --width 768 --height 448 --num-frames 49 --output cat.mp4 --open
              animato generate "it begins to snow" --image first.png --priority interactive
              animato generate "a cat on grass" --json | jq -r .video_url
              animato generate "a cat on grass" --no-wait

            With --json standard output is one JSON object: the task at its end, or the problem (RFC 9457) if there is no
            task. The file is that of --output, or TASK_ID.mp4.
            Exit codes: 0 saved, 1 the request was refused or the task failed, 69 no server answers, 78 the settings of
            --local are wrong, 130 cancelled by Ctrl-C.
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

    @OptionGroup(title: "Urgency, and what is made when too much waits")
    var urgency: UrgencyOptions

    @Option(help: ArgumentHelp("Speed for fidelity.", valueName: "off|balanced|fast"))
    var stepCache: String?

    @Option(name: .shortAndLong, help: ArgumentHelp("Where the MP4 goes; default: TASK_ID.mp4.", valueName: "file"))
    var output: String?

    @Flag(help: "Show the video with the desktop's own player when it is there.")
    var open = false

    @Flag(help: "Print the task as one JSON object, and nothing else, on standard output.")
    var json = false

    @Flag(help: "Print the id of the task as soon as it is accepted, and leave.")
    var noWait = false

    @OptionGroup var server: ServerOption

    @Flag(help: "Start a server for this one video, on a port of its own.")
    var local = false

    @OptionGroup(title: "Settings, with --local")
    var options: SettingOptions

    func validate() throws {
        guard noWait else { return }
        let others = [("--local", local), ("--open", open), ("--output", output != nil)].filter(\.1).map(\.0)
        if let other = others.first {
            throw ValidationError("--no-wait leaves before there is a video, so it cannot go with \(other).")
        }
    }

    func run() async throws {
        if local {
            try await runLocal()
        } else {
            let client = try server.client()
            try await Interruption.orLeave { try await generate(from: client) }
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
            stepCache: stepCache
        )
        urgency.fill(in: &request)
        try await APIClient.orExit(asJSON: json) { () async throws in
            try await client.waitUntilLive(for: .seconds(5))
            try await inputs.upload(to: client, for: &request)
            try await VideoOrder(
                client: client,
                request: request,
                output: output,
                isNotFollowed: noWait,
                printsJSON: json,
                isOpened: open
            ).carryOut()
        }
    }

    /// Runs a server in this process on a free port, for as long as the one video takes.
    private func runLocal() async throws {
        signal(SIGPIPE, SIG_IGN)
        var configuration = try options.configuration()
        configuration.http.port = 0
        // Others on this machine can reach the port as well: it is this command's alone.
        let key = configuration.access.adminKey ?? KeyText().text
        configuration.access.adminKey = key
        // Nobody else speaks to it.
        configuration.metrics.port = nil
        (configuration.http.tlsCertificate, configuration.http.tlsKey) = (nil, nil)
        let level = configuration.logLevel == .info ? Logger.Level.warning : configuration.logLevel
        let registry = Counting.begin()
        let writer = LogWriter(configuration.logFormat, level: level)
        LoggingSystem.bootstrap { CountingLogHandler(writer.labelled($0)) }
        let (addresses, bound) = AsyncStream.makeStream(of: URL.self)
        let server: Server
        do throws(ServerError) {
            let logger = Logger(label: "animato")
            server = try await Server.build(configuration, logger: logger, registry: registry) { address in
                if let url = URL(string: "http://\(address.host):\(address.port)") { bound.yield(url) }
            }
        } catch {
            throw Exit.because(error.exitCode, error.message)
        }
        try await withThrowingTaskGroup { group in
            group.addTask {
                // A signal is for this command: it cancels the task before it stops the server.
                try await server.run(stoppingOn: [])
                bound.finish()
            }
            for await address in addresses {
                // The server goes on until the task is cancelled.
                let client = APIClient(server: address, key: key)
                try await Interruption.orLeave { try await generate(from: client) }
                break
            }
            group.cancelAll()
            // Cancelled on purpose: its end is the end of the engine and of the store.
            do { try await group.waitForAll() } catch is CancellationError {}
        }
    }
}
