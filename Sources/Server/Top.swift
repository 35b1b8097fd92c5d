import ArgumentParser
import Dispatch
import Foundation
import UnixSignals

/// The command `animato top`: a live view of a server.
struct Top: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Watch devices, the queue and tasks live.",
        discussion: """
            Examples:
              animato top
              animato top --interval 0.5 --server http://10.0.0.7:5000
              animato top --once

            q or Ctrl-C ends it. With the key of an administrator, or where the server asks for none, it shows the tasks of
            every tenant, else one's own. Where there is no terminal it prints one frame, as with --once.
            Exit codes: 0 ended by q or Ctrl-C, 1 the server refused, 69 no server answers, or it has gone.
            """
    )

    /// What is shown of the tasks that wait.
    private static let taskLimit = 100

    /// What the view waits for.
    private enum Sign {
        case news(TopState)
        case resized
        case end
    }

    @Option(help: "Seconds between two looks.")
    var interval = 2.0

    @Flag(help: "Print one frame and leave.")
    var once = false

    @OptionGroup var server: ServerOption

    func validate() throws {
        guard (0.1...3600).contains(interval) else { throw ValidationError("--interval takes 0.1 to 3600 seconds.") }
    }

    func run() async throws {
        let client = try server.client()
        try await APIClient.orExit { () async throws in
            let first = try await Self.look(client)
            guard !once, Terminal.behind(STDOUT_FILENO) != nil else {
                let width = Terminal.behind(STDOUT_FILENO)?.columns ?? .max
                for line in TopFrame.lines(first, width: width, height: nil) { Terminal.write(line.text + "\n") }
                return
            }
            try await watch(client, from: first)
        }
    }

    private func watch(_ client: APIClient, from first: TopState) async throws {
        let (signs, continuation) = AsyncStream.makeStream(of: Sign.self, bufferingPolicy: .bufferingNewest(16))
        let screen = TopScreen()
        defer { screen.leave() }
        let keyboard = screen.hasKeyboard ? Self.keyboard { continuation.yield(.end) } : nil
        defer { keyboard?.cancel() }
        let signals = await UnixSignalsSequence(trapping: .sigint, .sigterm, .sighup, .sigwinch)
        let interval = Duration.seconds(interval)
        try await withThrowingTaskGroup(of: Void.self) { group in
            defer { group.cancelAll() }
            group.addTask {
                for await signal in signals { continuation.yield(signal == .sigwinch ? .resized : .end) }
            }
            group.addTask {
                // However it ends, there is nothing more to be drawn.
                defer { continuation.finish() }
                while true {
                    try await Task.sleep(for: interval)
                    continuation.yield(.news(try await Self.look(client)))
                }
            }
            var state = first
            Self.draw(state, on: screen)
            for await sign in signs {
                switch sign {
                case .news(let newer): state = newer
                case .resized: break
                case .end: return
                }
                Self.draw(state, on: screen)
            }
            // The server has gone: its task says how.
            for try await _ in group { break }
        }
    }

    private static func draw(_ state: TopState, on screen: TopScreen) {
        let terminal = Terminal.behind(STDOUT_FILENO) ?? .standard
        screen.draw(TopFrame.lines(state, width: terminal.columns, height: terminal.rows))
    }

    /// Calls when `q` is typed, or nobody can type any more.
    private static func keyboard(_ end: @escaping @Sendable () -> Void) -> any DispatchSourceRead {
        let source = DispatchSource.makeReadSource(fileDescriptor: STDIN_FILENO)
        source.setEventHandler {
            var keys = [UInt8](repeating: 0, count: 64)
            let count = read(STDIN_FILENO, &keys, keys.count)
            if count <= 0 || keys.prefix(count).contains(where: { $0 == UInt8(ascii: "q") || $0 == UInt8(ascii: "Q") })
            {
                end()
            }
        }
        source.resume()
        return source
    }

    /// Asks for everything that is shown.
    private static func look(_ client: APIClient) async throws(APIClient.Failure) -> TopState {
        let devices = try await client.devices()
        let queue = try await client.queue()
        var isEverybodys = true
        var tasks: [APIClient.Task] = []
        for status in ["RUNNING", "PENDING"] {
            var listing = APIClient.TaskListing(isEverybodys: isEverybodys, status: status, limit: taskLimit)
            do throws(APIClient.Failure) {
                tasks += try await client.tasks(listing).tasks
            } catch {
                guard isEverybodys, case .refused(let problem) = error, problem.code == "scope_missing" else {
                    throw error
                }
                (isEverybodys, listing.isEverybodys) = (false, false)
                tasks += try await client.tasks(listing).tasks
            }
        }
        let version = try await client.version()
        return TopState(
            server: client.server.absoluteString,
            version: version,
            time: timeOfDay(Date()),
            devices: devices,
            queue: queue,
            tasks: TopFrame.ordered(tasks),
            isEverybodys: isEverybodys
        )
    }

    private static func timeOfDay(_ date: Date) -> String {
        let parts = Calendar.current.dateComponents([.hour, .minute, .second], from: date)
        return String(format: "%02d:%02d:%02d", parts.hour ?? 0, parts.minute ?? 0, parts.second ?? 0)
    }
}
