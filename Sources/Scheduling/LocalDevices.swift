import Engine
import Tasks

/// The devices of this process as they are shown.
struct LocalDevices: Sendable {
    let fleet: Fleet
    let clock: any ServiceClock

    /// As they were last seen.
    func statuses() -> [DeviceStatus] {
        let now = clock.monotonicTime().inSeconds
        return fleet.devices.indices.map { device in
            let id = fleet.devices[device]
            let snapshot = fleet.snapshot(of: id)
            let engines = fleet.engines.indices
                .filter { fleet.deviceOfEngine[$0] == device }
                .map { engineStatus($0, at: now) }
            let memory = fleet.engines.indices
                .first { fleet.deviceOfEngine[$0] == device }
                .flatMap { fleet.engines[$0].state.description?.memoryBytes }
            return DeviceStatus(
                id: id,
                kind: snapshot?.name ?? id,
                state: Self.deviceState(snapshot, engines, isDraining: fleet.isDraining(id)),
                totalBytes: snapshot?.totalBytes ?? memory ?? 0,
                freeBytes: snapshot?.freeBytes ?? memory ?? 0,
                utilisation: snapshot?.utilisation,
                temperatureCelsius: snapshot?.temperatureCelsius.map(Double.init),
                engines: engines
            )
        }
    }

    private static func deviceState(
        _ snapshot: DeviceSnapshot?,
        _ engines: [EngineStatus],
        isDraining: Bool
    ) -> DeviceStatus.State {
        if let snapshot, !snapshot.isPresent { return .lost }
        if isDraining { return .draining }
        let states = Set(engines.map(\.state))
        if states.contains(.ready) { return .ready }
        if states.contains(.busy) { return .busy }
        if states.contains(.asleep) { return .asleep }
        return states.contains(.starting) ? .starting : .down
    }

    private func engineStatus(_ index: Int, at now: Double) -> EngineStatus {
        let engine = fleet.engines[index]
        let pass = fleet.pass(on: index)
        let state: EngineStatus.State =
            switch engine.state {
            case .ready, .busy: pass == nil ? .ready : .busy
            case .asleep: .asleep
            case .starting: .starting
            case .restarting, .stopped: .down
            }
        return EngineStatus(
            index: index,
            state: state,
            model: fleet.warmModel(on: index),
            work: pass.map { work(of: $0, at: now) }
        )
    }

    private func work(of pass: Fleet.Pass, at now: Double) -> EngineWork {
        let priority = pass.generations.compactMap { fleet.running.priority(of: $0) }.max() ?? 0
        return EngineWork(
            generations: pass.generations.count,
            priority: TaskPriority(rank: priority),
            progress: pass.generations.lazy.compactMap { fleet.running.progress(of: $0) }.first,
            secondsLeft: pass.generations.compactMap { fleet.running.remainingTime(of: $0, at: now) }.max()
        )
    }
}
