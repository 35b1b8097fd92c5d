/// How one engine is started and watched; only `Server` reads configuration and fills it.
package struct EngineSettings: Sendable {
    /// What the engine process makes videos with.
    package enum Source: Sendable, Equatable {
        /// Checkpoint directories, or the ids of such on the hub; at least one.
        case models([String])
        /// No model: the stated time per step and a test pattern. For tests and benchmarks only.
        case timed(stepSeconds: Double)
    }

    /// The Python interpreter: a path, or a name that is looked up in `PATH`.
    package var python = "python3"
    /// What comes before the engine's own arguments.
    package var moduleArguments = ["-m", "animato_engine"]
    package var source: Source
    /// `auto`, `cpu`, `cuda:N`, or two joined by `+`.
    package var device = "auto"
    /// `auto`, `float32`, `float16` or `bfloat16`.
    package var dtype = "auto"
    /// The folder of the LoRA files that requests may name.
    package var loras: String?
    /// The backend of `torch.compile`; `nil` for none.
    package var compile: String?
    /// How much of the free memory may stay away after a lack of memory before the engine is replaced.
    package var memoryTolerance = 0.01
    /// Threads for work on the processor, as `OMP_NUM_THREADS`; `nil` leaves the choice to the libraries.
    package var threads: Int?
    /// The server's own environment.
    ///
    /// Only the variables named in `EngineEnvironment.passedOn` reach the engine.
    package var environment: [String: String]

    /// From the start of the process to `hello`.
    ///
    /// Long enough for a cold file system, and for the small files of a model on the hub.
    package var startDeadline = Duration.seconds(120)
    /// How long a cancel may stay unanswered before the process is killed.
    package var cancelDeadline = Duration.seconds(30)
    /// From the polite request to end (`shutdown` and SIGTERM) to SIGKILL.
    package var stopDeadline = Duration.seconds(10)
    /// The pauses between an engine's end and its next start.
    package var backOff = BackOff()
    /// How long it may go without a sign of life while it works.
    package var stall = StallLimits()

    /// - Parameters:
    ///   - source: what the engine makes videos with.
    ///   - environment: the server's own environment.
    package init(source: Source, environment: [String: String]) {
        self.source = source
        self.environment = environment
    }

    /// The pauses between an engine's end and its next start.
    package struct BackOff: Sendable, Equatable {
        /// Before the first restart.
        package var first = Duration.seconds(1)
        /// Every pause is twice the one before, up to this.
        ///
        /// There is no last one: an operator may repair the installation at any time.
        package var cap = Duration.seconds(60)
        /// An engine that was up for this long, or finished a video, has proved itself: the next pause is `first`.
        package var healthyPeriod = Duration.seconds(60)

        package init() {}

        /// The pause after `failures` ends in a row, from 1.
        package func pause(afterFailures failures: Int) -> Duration {
            var pause = first
            var doublings = failures - 1
            // Stops at the cap, so that no number of failures can overflow.
            while doublings > 0, pause > .zero, pause < cap {
                pause *= 2
                doublings -= 1
            }
            return min(pause, cap)
        }
    }

    /// The command line behind the interpreter.
    var serveArguments: [String] {
        switch source {
        case .models(let models):
            moduleArguments + ["serve"] + models.flatMap { ["--model", $0] } + ["--device", device, "--dtype", dtype]
                + (loras.map { ["--loras", $0] } ?? []) + (compile.map { ["--compile", $0] } ?? [])
        case .timed(let stepSeconds):
            moduleArguments + ["serve", "--timed", String(stepSeconds), "--device", device]
        }
    }
}
