import Tasks

/// What this process says of itself.
extension MemberReport {
    /// - Parameters:
    ///   - identity: of this process.
    ///   - board: what is known of its engines.
    ///   - fleet: its engines and devices.
    ///   - devices: as they are shown.
    ///   - now: monotonic seconds.
    init(
        of identity: MemberIdentity,
        board: EngineBoard,
        fleet: Fleet,
        devices: [DeviceStatus],
        at now: Double
    ) {
        var descriptions: [ReportedDescription] = []
        for description in board.descriptions.map(ReportedDescription.init) where !descriptions.contains(description) {
            descriptions.append(description)
        }
        let views = fleet.views(at: now)
        self.init(
            identity: identity,
            isEnding: fleet.isEnding,
            isComplete: board.isComplete,
            obstacles: board.obstacles().map { ReportedObstacle(code: $0.code, message: $0.message) },
            descriptions: descriptions,
            devices: zip(devices, views).map { ReportedDevice($0, $1, models: board.models(of: $0.id), at: now) },
            running: fleet.running.all.map { running in
                ReportedGeneration(
                    id: running.id.rawValue,
                    secondsLeft: Bounded.seconds(fleet.running.remainingTime(of: running.id, at: now) ?? 0)
                )
            }
        )
    }
}

extension ReportedDevice {
    fileprivate init(_ status: DeviceStatus, _ view: DeviceView, models: [String], at now: Double) {
        self.init(
            id: status.id,
            kind: status.kind,
            state: status.state.rawValue,
            totalBytes: view.totalBytes,
            freeBytes: view.freeBytes,
            utilisation: status.utilisation.flatMap { $0.isFinite ? $0 : nil },
            temperatureCelsius: status.temperatureCelsius.flatMap { $0.isFinite ? $0 : nil },
            isClosed: view.isDraining,
            models: models,
            engines: zip(status.engines, view.engines).map { ReportedEngine($0, $1, at: now) }
        )
    }
}

extension ReportedEngine {
    fileprivate init(_ status: EngineStatus, _ view: EngineView, at now: Double) {
        self.init(
            state: status.state.rawValue,
            model: status.model,
            work: status.work.map(Work.init),
            isReady: view.state == .ready,
            isUsable: view.state != .down,
            warm: view.warm?.model,
            warmLoRAs: view.warm?.loras,
            reservedBytes: view.reservedBytes
        )
        if case .busy(let until) = view.state { freeIn = Bounded.seconds(until - now) }
    }
}

extension ReportedEngine.Work {
    fileprivate init(_ work: EngineWork) {
        self.init(
            generations: work.generations,
            priority: work.priority.rank,
            stage: work.progress?.stage.rawValue,
            step: work.progress?.step,
            totalSteps: work.progress?.totalSteps,
            secondsLeft: work.secondsLeft.map(Bounded.seconds)
        )
    }
}
