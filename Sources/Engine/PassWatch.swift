/// The generations that an engine works on, or writes, together: what is said of them, and how long it may be silent.
struct PassWatch: Sendable {
    typealias Instant = SuspendingClock.Instant

    /// Tells it from every other pass of this engine.
    let number: Int
    /// What its generations have in common, with what is the first one's own.
    let leader: GenerateCommand
    /// The measure that its times are remembered by: all of them take a step at once.
    let size: Int
    /// Those that have no outcome yet, in the order of the command.
    private(set) var rows: [GenerationWatch]
    /// Whether it was asked to give up with checkpoints.
    private(set) var isYielding = false
    /// Whether it has left the device and only its files are missing.
    private(set) var isReleased = false
    private var isLoading = false
    /// What the last sign of life was of.
    private var stageOfSign: EngineProgress.Stage?
    /// When that was; `nil` if what passed since then says nothing of this pass.
    private var lastSign: Instant?

    /// - Parameters:
    ///   - number: tells it from every other pass.
    ///   - leader: the first.
    ///   - companions: the others.
    ///   - now: when it was sent.
    init(number: Int, _ leader: GenerateCommand, companions: [GenerateCommand], at now: Instant) {
        self.number = number
        self.leader = leader
        rows = ([leader] + companions).map(GenerationWatch.init)
        let (size, isTooLarge) = StallDeadline.size(of: leader).multipliedReportingOverflow(by: rows.count)
        self.size = isTooLarge ? .max : size
        lastSign = now
    }

    /// What the engine is doing for it; `nil` before it has said so.
    var stage: EngineProgress.Stage? {
        isLoading ? .load : stageOfSign
    }

    /// Whether its steps are over, so that it ends sooner than it could give up.
    var isFinishing: Bool {
        stage == .decode || stage == .write
    }

    /// Whether it was asked to give up and has not passed the point from which on it cannot.
    var isGivingUp: Bool {
        isYielding && !isFinishing
    }

    /// The one of its generations that has an id and no outcome.
    func row(_ id: String) -> GenerationWatch? {
        rows.first { $0.command.id == id }
    }

    // MARK: What is asked of it

    mutating func cancel(id: String) {
        guard let index = rows.firstIndex(where: { $0.command.id == id }) else { return }
        rows[index].isCancelled = true
    }

    mutating func yield() {
        isYielding = true
    }

    // MARK: What is said of it

    /// The model is about to be loaded.
    mutating func loading(at now: Instant) throws(Contradiction) {
        guard !isLoading, stageOfSign == nil else {
            throw Contradiction(reason: "it loads in the middle of its work")
        }
        isLoading = true
        lastSign = now
    }

    /// The model is on the device.
    mutating func loaded(at now: Instant) throws(Contradiction) {
        guard isLoading else { throw Contradiction(reason: "it has loaded without loading") }
        isLoading = false
        lastSign = now
    }

    /// A sign of life of one of its generations.
    ///
    /// - Parameters:
    ///   - id: of which.
    ///   - stall: learns how long it was awaited.
    ///   - now: the time.
    ///   - check: judges it.
    /// - Returns: what whoever waits is told of it.
    /// - Throws: why it cannot be true.
    mutating func heard(
        _ id: String,
        learning stall: inout StallDeadline,
        at now: Instant,
        _ check: (inout GenerationWatch) throws(Contradiction) -> EngineReport
    ) throws(Contradiction) -> EngineReport {
        guard !isLoading, let index = rows.firstIndex(where: { $0.command.id == id }) else {
            throw Contradiction(reason: "it speaks of what it was not doing")
        }
        let report = try check(&rows[index])
        // Files are written when the device is free, and not before.
        if case .progress(let progress) = report, (progress.stage == .write) != isReleased {
            throw Contradiction(reason: "it writes a file and holds the device, or the reverse")
        }
        // Of those that report the same step, only the first was awaited. How long a file takes, its end says.
        if index == 0, !isReleased { learn(&stall, until: now) }
        lastSign = now
        stageOfSign = isReleased ? .write : rows[index].stage
        return report
    }

    /// The device is free; only files are missing.
    mutating func released(
        _ ids: [String],
        learning stall: inout StallDeadline,
        at now: Instant
    ) throws(Contradiction) {
        guard !isReleased, ids.count == rows.count, Set(ids) == Set(rows.map(\.command.id)),
            rows.allSatisfy({ $0.stage == .decode })
        else { throw Contradiction(reason: "it releases what is not ready to be written") }
        learn(&stall, until: now)
        isReleased = true
        stageOfSign = .write
    }

    /// One of its generations has an outcome, which is a sign of life.
    mutating func ended(_ id: String, at now: Instant) {
        rows.removeAll { $0.command.id == id }
        lastSign = now
    }

    /// What it does takes as long as it took since the last sign.
    mutating func learn(_ stall: inout StallDeadline, until now: Instant) {
        if let stageOfSign, let lastSign {
            stall.learn(now - lastSign, in: stageOfSign, size: size)
        }
        lastSign = now
    }

    /// It had to wait for the files of another: the time until its next sign is not its own.
    mutating func wasHeldUp() {
        lastSign = nil
    }
}
