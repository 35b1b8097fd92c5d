import ArgumentParser

/// How urgent a video is, and what of it may be reduced.
struct UrgencyOptions: ParsableArguments {
    @Option(help: ArgumentHelp("How urgent it is.", valueName: "interactive|normal|batch"))
    var priority: String?

    @Option(help: ArgumentHelp("Whether less is better than to wait for long.", valueName: "never|allow"))
    var degrade: String?

    @Option(help: "With --degrade allow: the fewest steps that will do.")
    var minSteps: Int?

    @Option(help: "With --degrade allow: the fewest frames that will do.")
    var minFrames: Int?

    @Option(help: "With --degrade allow: the least height that will do, in pixels.")
    var minHeight: Int?

    @Flag(help: "Make it alone, not in one pass with others.")
    var deterministic = false

    /// Says so in a request.
    func fill(in request: inout APIClient.Request) {
        request.priority = priority
        request.degrade = degrade
        request.minSteps = minSteps
        request.minFrames = minFrames
        request.minHeight = minHeight
        // Left out where it says nothing.
        request.deterministic = deterministic ? true : nil
    }
}
