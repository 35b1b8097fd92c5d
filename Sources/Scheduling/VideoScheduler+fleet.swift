import Engine
import Logging
package import Tasks

/// What there is to say of devices and of the queue.
extension VideoScheduler {
    package func outlook(for task: GenerationTask) -> TaskOutlook {
        guard !task.status.isTerminal else { return .none }
        let now = clock.monotonicTime().inSeconds
        let id = task.generation.id
        if let remaining = deployment.secondsLeft(of: id, at: now) {
            return TaskOutlook(etaSeconds: remaining)
        }
        guard task.status == .queued else { return .none }
        return forecaster.outlook(of: id, at: now)
    }

    package func devices() -> [DeviceStatus] {
        deployment.statuses(beside: localDevices.statuses(), at: clock.monotonicTime().inSeconds)
    }

    /// The devices of this process alone, under their own names.
    package func ownDevices() -> [DeviceStatus] {
        localDevices.statuses()
    }

    /// Generations that run on the engines of this process.
    package var ownRunning: Int { running.count }

    /// The processes of the deployment by role, this one among them.
    package func members() -> [MemberCount] {
        deployment.memberCounts(at: clock.monotonicTime().inSeconds)
    }

    package func queueStatus() async throws(AdmissionError) -> QueueStatus {
        do {
            let queue = try await store.heads()
            let ahead = try await store.ahead(of: .standard, weight: 1, priority: 0)
            var byPriority: [TaskPriority: Int] = [:]
            for (rank, count) in queue.countByPriority { byPriority[TaskPriority(rank: rank), default: 0] += count }
            let now = clock.monotonicTime().inSeconds
            return QueueStatus(
                waiting: queue.count,
                running: deployment.runningCount(at: now),
                predictedWaitSeconds: forecaster.wait(behind: ahead, at: now),
                byPriority: byPriority,
                isDraining: fleet.isDraining
            )
        } catch {
            throw .store(error)
        }
    }

    package func unload(device: String) async throws(AdmissionError) {
        switch deployment.place(of: device, at: clock.monotonicTime().inSeconds) {
        case nil: throw .deviceUnknown
        case .here(let own)?: _ = fleet.unload(device: own)
        case .elsewhere(let member, let theirs)?: try await order(.unload, theirs, of: member)
        }
        logger.info("Idle engines give up their models", metadata: ["device": "\(device)"])
    }

    package func setDraining(_ isDraining: Bool, device: String?) async throws(AdmissionError) {
        if let device {
            switch deployment.place(of: device, at: clock.monotonicTime().inSeconds) {
            case nil: throw .deviceUnknown
            case .here(let own)?: _ = fleet.setDraining(isDraining, device: own)
            case .elsewhere(let member, let theirs)?:
                try await order(isDraining ? .drain : .resume, theirs, of: member)
                await waitUntil(device, isDraining: isDraining)
            }
        } else {
            try await tellAll(isDraining)
            _ = fleet.setDraining(isDraining, device: nil)
        }
        logger.info(
            isDraining ? "No more work is started" : "Work is started again",
            metadata: ["device": "\(device ?? "all")"]
        )
        wake.signal()
    }

    /// Tells every process whether work is started, those included that come later.
    private func tellAll(_ isDraining: Bool) async throws(AdmissionError) {
        guard let coordination else { return }
        do throws(TaskStoreError) {
            let order = FleetOrder.encoded(FleetOrder.Drain(isDraining: isDraining))
            try await coordination.post(order, to: FleetOrder.drainTopic, keeping: 1)
        } catch {
            throw .store(error)
        }
    }

    /// Tells the process that has a device.
    private func order(
        _ action: FleetOrder.Device.Action,
        _ device: String,
        of member: WorkerID
    ) async throws(AdmissionError) {
        guard let coordination else { return }
        do throws(TaskStoreError) {
            let order = FleetOrder.Device(member: member.rawValue, device: device, action: action)
            let message = FleetOrder.encoded(order)
            try await coordination.post(message, to: FleetOrder.deviceTopic, keeping: FleetOrder.keptOrders)
        } catch {
            throw .store(error)
        }
    }

    /// Waits until another process's device is seen to do what it was told; not for long, as that process may be gone.
    private func waitUntil(_ device: String, isDraining: Bool) async {
        let deadline = clock.monotonicTime() + Self.orderPatience
        while clock.monotonicTime() < deadline {
            let status = devices().first { $0.id == device }
            guard let status, (status.state == .draining) != isDraining else { return }
            // A cancelled sleep only makes the next look come sooner, and the client has gone by then.
            do { try await clock.sleep(for: Self.orderLook) } catch { return }
        }
    }

    private static let orderPatience: Duration = .seconds(3)
    private static let orderLook: Duration = .milliseconds(50)
}
