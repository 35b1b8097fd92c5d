import Tasks

/// What another process's report means here.
extension ReportedDevice {
    /// As it is shown.
    ///
    /// - Parameters:
    ///   - name: its id here.
    ///   - first: the number of its first engine.
    ///   - age: seconds since it was said.
    /// - Returns: a state that is not known here is shown as `down`.
    func status(named name: String, firstEngine first: Int, age: Double) -> DeviceStatus {
        DeviceStatus(
            id: name,
            kind: kind,
            state: DeviceStatus.State(rawValue: state) ?? .down,
            totalBytes: Bounded.bytes(totalBytes),
            freeBytes: Bounded.bytes(freeBytes),
            utilisation: utilisation.map { min(max($0, 0), 1) },
            temperatureCelsius: temperatureCelsius,
            engines: engines.enumerated().map { $1.status(index: first + $0, age: age) }
        )
    }

    /// As the policies see it.
    ///
    /// - Parameters:
    ///   - index: of the device among the views.
    ///   - first: the number of its first engine.
    ///   - seen: when it was said; monotonic seconds of this process.
    /// - Returns: the view.
    func view(at index: Int, firstEngine first: Int, seen: Double) -> DeviceView {
        DeviceView(
            id: id,
            kind: DeviceKind(name: kind),
            totalBytes: Bounded.bytes(totalBytes),
            freeBytes: Bounded.bytes(freeBytes),
            utilisation: utilisation ?? 0,
            isDraining: isClosed,
            engines: engines.enumerated().map { $1.view(index: first + $0, device: index, seen: seen) }
        )
    }

    /// Whether it is free, with a model there, to take work of that model now.
    func isReadyAndWarm(with model: String) -> Bool {
        !isClosed && engines.contains { $0.isReady && $0.warm == model }
    }
}

extension ReportedEngine {
    fileprivate func status(index: Int, age: Double) -> EngineStatus {
        EngineStatus(
            index: index,
            state: EngineStatus.State(rawValue: state) ?? .down,
            model: model,
            work: work.map { $0.work(age: age) }
        )
    }

    fileprivate func view(index: Int, device: Int, seen: Double) -> EngineView {
        let state: EngineView.State
        if let freeIn {
            state = .busy(until: seen + Bounded.seconds(freeIn))
        } else if isReady {
            state = .ready
        } else {
            state = isUsable ? .starting : .down
        }
        return EngineView(
            index: index,
            device: device,
            state: state,
            warm: warm.map { Warm(model: $0, loras: warmLoRAs ?? []) },
            reservedBytes: Bounded.bytes(reservedBytes)
        )
    }
}

extension ReportedEngine.Work {
    fileprivate func work(age: Double) -> EngineWork {
        var progress: GenerationProgress?
        if let stage = stage.flatMap(GenerationProgress.Stage.init), let step, let totalSteps {
            let total = Bounded.count(totalSteps)
            progress = GenerationProgress(stage: stage, step: min(Bounded.count(step), total), totalSteps: total)
        }
        return EngineWork(
            generations: max(1, Bounded.count(generations)),
            priority: TaskPriority(rank: priority),
            progress: progress,
            secondsLeft: secondsLeft.map { max(0, Bounded.seconds($0) - age) }
        )
    }
}
