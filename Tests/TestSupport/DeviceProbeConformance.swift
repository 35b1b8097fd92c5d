package import Scheduling
import Testing

/// A probe to be examined, and a way to take its devices away.
package struct DeviceProbeWorld: Sendable {
    package var probe: any DeviceProbe
    /// How many devices it must report.
    package var count: Int
    /// Makes the last device unreachable.
    package var loseLast: @Sendable () async throws -> Void
    /// Brings back what was lost.
    package var restore: @Sendable () async throws -> Void
    /// Makes that nothing can be seen at all.
    package var obstruct: @Sendable () async throws -> Void

    package init(
        probe: any DeviceProbe,
        count: Int,
        loseLast: @escaping @Sendable () async throws -> Void,
        restore: @escaping @Sendable () async throws -> Void,
        obstruct: @escaping @Sendable () async throws -> Void
    ) {
        self.probe = probe
        self.count = count
        self.loseLast = loseLast
        self.restore = restore
        self.obstruct = obstruct
    }
}

/// The contract of `DeviceProbe` as behaviours; every implementation shows every one.
package struct DeviceProbeConformance: Sendable, CustomTestStringConvertible {
    package let name: String
    package let check: @Sendable (DeviceProbeWorld) async throws -> Void

    package var testDescription: String { name }

    package static let all: [DeviceProbeConformance] = [
        .init(name: "Every device is reported once, present and named, and nothing is in the way") { world in
            let report = await world.probe.devices()
            #expect(report.devices.count == world.count)
            #expect(Set(report.devices.map(\.id)).count == world.count)
            #expect(report.devices.allSatisfy { $0.isPresent && !$0.id.isEmpty && !$0.name.isEmpty })
            #expect(report.unavailable == nil)
        },
        .init(name: "Ids and their order are the same in every report, through losses too") { world in
            let ids = await world.probe.devices().devices.map(\.id)
            #expect(await world.probe.devices().devices.map(\.id) == ids)
            try await world.loseLast()
            #expect(await world.probe.devices().devices.map(\.id) == ids)
            try await world.restore()
            #expect(await world.probe.devices().devices.map(\.id) == ids)
            try await world.obstruct()
            #expect(await world.probe.devices().devices.map(\.id) == ids)
        },
        .init(name: "Numbers make sense: free within total, utilisation within 0 and 1") { world in
            for _ in 0..<2 {
                for device in await world.probe.devices().devices {
                    #expect((0...device.totalBytes).contains(device.freeBytes))
                    #expect((0...1).contains(device.utilisation ?? 0))
                    #expect(device.processes.allSatisfy { ($0.usedBytes ?? 0) >= 0 })
                }
            }
        },
        .init(name: "A lost device stays in the report as lost, as it was seen last, and comes back") { world in
            let before = try #require(await world.probe.devices().devices.last)
            try await world.loseLast()
            let lost = try #require(await world.probe.devices().devices.last)
            guard case .lost(let code, let message) = lost.state else {
                Issue.record("\(lost.id) is \(lost.state)")
                return
            }
            #expect(!code.isEmpty && !message.isEmpty)
            #expect((lost.id, lost.name, lost.totalBytes) == (before.id, before.name, before.totalBytes))
            try await world.restore()
            #expect(await world.probe.devices().devices.last?.isPresent == true)
        },
        .init(name: "Where nothing can be seen the report says why, and what was there is lost") { world in
            _ = await world.probe.devices()
            try await world.obstruct()
            let report = await world.probe.devices()
            #expect(report.unavailable?.message.isEmpty == false)
            #expect(report.devices.count == world.count)
            #expect(!report.devices.contains { $0.isPresent })
        },
        .init(name: "Where nothing could ever be seen the report is empty and says why") { world in
            try await world.obstruct()
            let report = await world.probe.devices()
            #expect(report.devices.isEmpty)
            #expect(report.unavailable != nil)
        },
        .init(name: "Many may ask at once") { world in
            let reports = await withTaskGroup(of: DeviceReport.self) { group in
                for _ in 0..<20 { group.addTask { await world.probe.devices() } }
                return await group.reduce(into: [DeviceReport]()) { $0.append($1) }
            }
            #expect(reports.allSatisfy { $0.devices.count == world.count && $0.devices.allSatisfy(\.isPresent) })
        },
    ]
}
