import Engine
import Logging
package import Tasks

/// What there is to say of devices and of the queue.
extension VideoScheduler {
    package func outlook(for task: GenerationTask) -> TaskOutlook {
        guard !task.status.isTerminal else { return .none }
        let now = clock.monotonicTime().inSeconds
        let id = task.generation.id
        if let remaining = running.remainingTime(of: id, at: now) {
            return TaskOutlook(etaSeconds: remaining)
        }
        guard task.status == .queued else { return .none }
        return forecaster.outlook(of: id, at: now)
    }

    package func devices() -> [DeviceStatus] {
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
        let priority = pass.generations.compactMap { running.priority(of: $0) }.max() ?? 0
        return EngineWork(
            generations: pass.generations.count,
            priority: TaskPriority(rank: priority),
            progress: pass.generations.lazy.compactMap { self.running.progress(of: $0) }.first,
            secondsLeft: pass.generations.compactMap { running.remainingTime(of: $0, at: now) }.max()
        )
    }

    package func queueStatus() async throws(AdmissionError) -> QueueStatus {
        do {
            let queue = try await store.heads()
            let ahead = try await store.ahead(of: .standard, weight: 1, priority: 0)
            var byPriority: [TaskPriority: Int] = [:]
            for (rank, count) in queue.countByPriority { byPriority[TaskPriority(rank: rank), default: 0] += count }
            return QueueStatus(
                waiting: queue.count,
                running: running.count,
                predictedWaitSeconds: forecaster.wait(behind: ahead, at: clock.monotonicTime().inSeconds),
                byPriority: byPriority,
                isDraining: fleet.isDraining
            )
        } catch {
            throw .store(error)
        }
    }

    package func unload(device: String) throws(AdmissionError) {
        guard let index = fleet.devices.firstIndex(of: device) else { throw .deviceUnknown }
        for engine in fleet.engines.indices
        where fleet.deviceOfEngine[engine] == index && fleet.idleness(of: engine)?.isParked == false {
            fleet.engines[engine].park()
            fleet.notePark(engine)
        }
        logger.info("Idle engines give up their models", metadata: ["device": "\(device)"])
    }

    package func setDraining(_ isDraining: Bool, device: String?) throws(AdmissionError) {
        guard fleet.setDraining(isDraining, device: device) else { throw .deviceUnknown }
        logger.info(
            isDraining ? "No more work is started" : "Work is started again",
            metadata: ["device": "\(device ?? "all")"]
        )
        wake.signal()
    }
}
