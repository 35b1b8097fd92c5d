import Engine
import Tasks

/// What the policies are shown of a fleet.
extension Fleet {
    /// What placement decides on.
    ///
    /// - Parameter now: monotonic seconds.
    /// - Returns: one view for each of `devices`.
    func views(at now: Double) -> [DeviceView] {
        let state = current
        var views = devices.map { device in
            let snapshot = snapshot(of: device)
            return DeviceView(
                id: device,
                kind: DeviceKind(name: snapshot?.name ?? device),
                totalBytes: snapshot?.totalBytes ?? 0,
                freeBytes: snapshot?.freeBytes ?? 0,
                utilisation: snapshot?.utilisation ?? 0,
                // What is lost gets nothing either, until it is back.
                isDraining: state.isEnding || state.isDraining || state.drainingDevices.contains(device)
                    || snapshot.map { !$0.isPresent } ?? false,
                engines: []
            )
        }
        for (index, engine) in engines.enumerated() {
            let device = deviceOfEngine[index]
            let engineState = engine.state
            // Without a probe, what the engine says of its device.
            if views[device].totalBytes == 0, let description = engineState.description {
                views[device].totalBytes = description.memoryBytes
                views[device].freeBytes = description.memoryBytes
            }
            views[device].engines.append(
                EngineView(
                    index: index,
                    device: device,
                    state: viewState(engineState, state.passes[index], pause: state.pauses[index]?.until ?? 0, at: now),
                    warm: warm(index, state),
                    reservedBytes: state.passes[index]?.bytes ?? resident(index, state)
                )
            )
        }
        return views
    }

    /// What an engine holds; nothing from the moment on when it is told to move it.
    private func warm(_ index: Int, _ state: State) -> Warm? {
        guard !state.parked.contains(index), let pass = state.passes[index] ?? state.rests[index],
            pass.warm.model == engines[index].warmModel
        else { return nil }
        return pass.warm
    }

    /// What an idle engine may still have of its device: as much as its last pass.
    ///
    /// Its weights and what its allocator keeps count among that, and the probe's last look may be from before the end.
    private func resident(_ index: Int, _ state: State) -> Int64 {
        guard warm(index, state) != nil, let last = state.rests[index] else { return 0 }
        let weights = engines[index].state.description?.model(named: last.warm.model)?.weightBytes ?? 0
        return max(last.bytes, last.mode == .full ? weights : 0)
    }

    private func viewState(
        _ state: EngineState,
        _ pass: Pass?,
        pause: Double,
        at now: Double
    ) -> EngineView.State {
        // Taken before the engine knows of it, and free before the file is written.
        if let pass {
            // What it has shown since counts more than what was predicted when it began.
            let left = pass.generations.compactMap { running.remainingTime(of: $0, at: now) }.max()
            return .busy(until: left.map { now + $0 } ?? max(now, pass.until))
        }
        return switch state {
        case .ready: pause > now ? .down : .ready
        case .asleep: .asleep
        case .starting: .starting
        case .busy, .restarting, .stopped: .down
        }
    }
}
