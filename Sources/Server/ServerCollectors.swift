import Foundation
import Scheduling
import Tasks
import Telemetry

/// What is looked up for `/metrics` rather than counted.
enum ServerCollectors {
    /// Tenants that are shown by name.
    private static let tenantLimit = 50
    /// Models that are shown by name.
    private static let modelLimit = 50

    /// - Parameters:
    ///   - service: says what waits and runs; of several processes each tells of its own devices and engines.
    ///   - monitor: sees the machine's devices.
    ///   - directory: of the data.
    ///   - waitingWrites: how many writes wait for the task store; `nil` for one where none does.
    /// - Returns: one for each part that may fail by itself.
    static func all(
        _ service: VideoScheduler,
        _ monitor: DeviceMonitor,
        directory: String,
        waitingWrites: (@Sendable () -> Int)?
    ) -> [MetricCollector] {
        let store = waitingWrites.map { count in
            MetricCollector("store") { [MetricSample("animato_store_waiting_writes", count())] }
        }
        return [store].compactMap(\.self) + [
            MetricCollector("queue") {
                guard var queue = try? await service.queueStatus() else { return nil }
                queue.running = service.ownRunning
                return samples(queue)
            },
            MetricCollector("members") { service.members().map(samples) },
            MetricCollector("scale") {
                let known = (try? service.catalog())?.models.map(\.name) ?? []
                return (try? await service.scale()).map { samples($0, known: known) }
            },
            MetricCollector("tenants") { (try? await service.usage()).map { samples($0) } },
            MetricCollector("devices") {
                service.ownDevices().flatMap(samples) + monitor.latest.devices.flatMap(samples)
            },
            MetricCollector("data") { fileSystem(of: directory) },
            MetricCollector("process") { ProcessReading.now()?.samples },
            MetricCollector("build") { [MetricSample("animato_build_info", 1, Version.current)] },
        ]
    }

    /// Of the file system that a directory is on; `nil` if it does not say.
    private static func fileSystem(of directory: String) -> [MetricSample]? {
        guard let found = try? FileManager.default.attributesOfFileSystem(forPath: directory),
            let size = found[.systemSize] as? NSNumber, let free = found[.systemFreeSize] as? NSNumber
        else { return nil }
        return [
            MetricSample("animato_data_bytes", size.doubleValue),
            MetricSample("animato_data_free_bytes", free.doubleValue),
        ]
    }

    /// Of the processes of one role.
    static func samples(_ members: MemberCount) -> MetricSample {
        MetricSample("animato_members", members.count, members.role)
    }

    /// Of the queue.
    static func samples(_ queue: QueueStatus) -> [MetricSample] {
        var samples = TaskPriority.allCases.map { priority in
            MetricSample("animato_waiting_generations", queue.byPriority[priority] ?? 0, priority.rawValue)
        }
        samples.append(MetricSample("animato_running_generations", queue.running))
        samples.append(MetricSample("animato_draining", queue.isDraining ? 1 : 0))
        if let wait = queue.predictedWaitSeconds {
            samples.append(MetricSample("animato_predicted_wait_seconds", wait))
        }
        return samples
    }

    /// Of the backlog: the models with the most of it by name, the rest as one.
    ///
    /// - Parameters:
    ///   - scale: says what there is to do.
    ///   - known: models that are shown also if there is nothing to do for them.
    ///   - limit: how many have a name.
    /// - Returns: those of each model, and of the devices.
    static func samples(
        _ scale: ScaleStatus,
        known: [String] = [],
        limit: Int = modelLimit
    ) -> [MetricSample] {
        var seconds: [String: Double] = [:]
        for name in known { seconds[name] = 0 }
        for model in scale.models { seconds[model.name, default: 0] += model.backlogSeconds }
        let largest = seconds.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
        var shown: [String: Double] = [:]
        for (name, value) in largest.prefix(limit) { shown[name] = value }
        // A model may have that very name.
        for (_, value) in largest.dropFirst(limit) { shown[other.rawValue, default: 0] += value }
        let backlog = shown.sorted { $0.key < $1.key }.map {
            MetricSample("animato_backlog_device_seconds", $0.value, $0.key)
        }
        return backlog + [
            MetricSample("animato_devices_present", scale.present),
            MetricSample("animato_devices_needed", scale.needed),
        ]
    }

    /// Of the tenants: those with the most under way by name, then those with the most device time, the rest as one.
    ///
    /// - Parameters:
    ///   - usage: of all tenants.
    ///   - limit: how many have a name.
    /// - Returns: those of each tenant, and the sums over all.
    static func samples(_ usage: [TenantUsage], limit: Int = tenantLimit) -> [MetricSample] {
        let busiest = usage.sorted { one, other in
            let (a, b) = (one.waiting + one.running, other.waiting + other.running)
            if a != b { return a > b }
            if one.deviceSecondsToday != other.deviceSecondsToday {
                return one.deviceSecondsToday > other.deviceSecondsToday
            }
            return one.tenant.rawValue < other.tenant.rawValue
        }
        var shown = Array(busiest.prefix(limit))
        if busiest.count > limit {
            let rest = busiest.dropFirst(limit).reduce(TenantUsage(tenant: other)) { $0.adding($1) }
            // A tenant may have that very name.
            if let same = shown.firstIndex(where: { $0.tenant == other }) {
                shown[same] = shown[same].adding(rest)
            } else {
                shown.append(rest)
            }
        }
        return [
            MetricSample("active_tasks", usage.reduce(0) { $0 + $1.running }),
            MetricSample("waiting_tasks", usage.reduce(0) { $0 + $1.waiting }),
        ]
            + shown.flatMap { usage in
                [
                    MetricSample("animato_tenant_waiting_tasks", usage.waiting, usage.tenant.rawValue),
                    MetricSample("animato_tenant_running_tasks", usage.running, usage.tenant.rawValue),
                    MetricSample(
                        "animato_tenant_device_seconds", usage.deviceSecondsToday, usage.tenant.rawValue),
                ]
            }
    }

    private static let other = TenantID(rawValue: "other")

    /// Of a device with its engines.
    static func samples(_ device: DeviceStatus) -> [MetricSample] {
        var samples = DeviceStatus.State.allCases.map { state in
            MetricSample("animato_device_state", device.state == state ? 1 : 0, device.id, state.rawValue)
        }
        for state in EngineStatus.State.allCases {
            let count = device.engines.count { $0.state == state }
            samples.append(MetricSample("animato_engines", count, device.id, state.rawValue))
        }
        samples.append(MetricSample("animato_device_memory_bytes", Double(device.totalBytes), device.id))
        samples.append(MetricSample("animato_device_memory_free_bytes", Double(device.freeBytes), device.id))
        if let utilisation = device.utilisation {
            samples.append(MetricSample("animato_device_utilisation_ratio", utilisation, device.id))
        }
        if let temperature = device.temperatureCelsius {
            samples.append(MetricSample("animato_device_temperature_celsius", temperature, device.id))
        }
        return samples
    }

    /// Of a device of this machine, whether an engine works on it or not.
    static func samples(_ device: DeviceSnapshot) -> [MetricSample] {
        guard device.isPresent, let utilisation = device.utilisation else { return [] }
        return [MetricSample("gpu_util", (utilisation * 1_000).rounded() / 10, device.id)]
    }
}

extension TenantUsage {
    fileprivate func adding(_ other: TenantUsage) -> TenantUsage {
        var sum = self
        sum.waiting += other.waiting
        sum.running += other.running
        sum.deviceSecondsToday += other.deviceSecondsToday
        sum.storageBytes += other.storageBytes
        return sum
    }
}
