import Foundation
import Scheduling
import Tasks
import TestSupport
import Testing

@testable import API

/// Devices, the queue, and draining.
struct FleetTests {
    private static let devices = [
        DeviceStatus(
            id: "cuda:0",
            kind: "NVIDIA A100-SXM4-80GB",
            state: .busy,
            totalBytes: 85_899_345_920,
            freeBytes: 21_474_836_480,
            utilisation: 0.97,
            temperatureCelsius: 61,
            engines: [
                EngineStatus(
                    index: 0,
                    state: .busy,
                    model: "EasyAnimateV5.1-12b-zh",
                    work: EngineWork(
                        generations: 2,
                        priority: .interactive,
                        progress: GenerationProgress(stage: .denoise, step: 12, totalSteps: 50),
                        secondsLeft: 87.53
                    )
                ),
                EngineStatus(index: 1, state: .busy, work: EngineWork(priority: .batch)),
            ]
        ),
        DeviceStatus(
            id: "cpu",
            kind: "cpu",
            state: .asleep,
            totalBytes: 1,
            freeBytes: 0,
            engines: [EngineStatus(index: 2, state: .asleep)]
        ),
    ]

    @Test("Devices are listed in order, with their engines and what these do")
    func list() async throws {
        try await withAPI(ScriptedVideoService { $0.devices = Self.devices }) { port in
            let response = try await request(port, "GET", "/api/v1/devices")
            #expect(response.status == 200)
            #expect(response["Cache-Control"] == "no-store")
            try expectWire(response.body, "devices")
        }
    }

    @Test("A server without devices has an empty list")
    func empty() async throws {
        try await withAPI { port in
            let response = try await request(port, "GET", "/api/v1/devices")
            #expect(response.text == #"{"devices":[]}"#)
        }
    }

    @Test("A device is drained and resumed, and shown each time", arguments: ["cuda:0", "cuda%3A0", "%63uda:0"])
    func drainDevice(_ id: String) async throws {
        let service = ScriptedVideoService { $0.devices = Self.devices }
        try await withAPI(service) { port in
            let drained = try await request(port, "POST", "/api/v1/devices/\(id)/drain")
            #expect(drained.status == 200)
            #expect(drained.json["id"] as? String == "cuda:0")
            #expect(drained.json["state"] as? String == "draining")
            let resumed = try await request(port, "POST", "/api/v1/devices/\(id)/resume")
            #expect(resumed.status == 200)
            #expect(resumed.json["state"] as? String == "ready")
        }
        #expect(service.drained.map(\.device) == ["cuda:0", "cuda:0"])
        #expect(service.drained.map(\.isDraining) == [true, false])
    }

    @Test(
        "A device that is not there is 404",
        arguments: ["cuda:9", "CPU", "%ff", "%", "cpu%00", "cpu%2F..", "..", "%2e%2e"]
    )
    func unknownDevice(_ id: String) async throws {
        try await withAPI(ScriptedVideoService { $0.devices = Self.devices }) { port in
            for action in ["drain", "resume"] {
                let response = try await request(port, "POST", "/api/v1/devices/\(id)/\(action)")
                #expect(response.status == 404)
                #expect(response.code == "device_not_found")
            }
        }
    }

    @Test("The queue says what waits, by priority, and how long a new one would")
    func queue() async throws {
        let service = ScriptedVideoService {
            $0.queue = QueueStatus(
                waiting: 12,
                running: 3,
                predictedWaitSeconds: 431.26,
                byPriority: [.batch: 9, .interactive: 3]
            )
        }
        try await withAPI(service) { port in
            let response = try await request(port, "GET", "/api/v1/queue")
            #expect(response.status == 200)
            try expectWire(response.body, "queue")
        }
    }

    @Test("A wait that cannot be predicted is null", arguments: [nil, .infinity, -.infinity, .nan] as [Double?])
    func unknownWait(_ seconds: Double?) async throws {
        let service = ScriptedVideoService {
            $0.queue = QueueStatus(waiting: 0, running: 0, predictedWaitSeconds: seconds)
        }
        try await withAPI(service) { port in
            let json = try await request(port, "GET", "/api/v1/queue").json
            #expect(json["waiting"] as? Int == 0)
            // Less than nothing is nothing.
            #expect(json["predicted_wait_seconds"] as? Double == (seconds == -.infinity ? 0 : nil))
        }
    }

    @Test("A scaler is told what there is to do and how many devices that takes")
    func scale() async throws {
        let service = ScriptedVideoService {
            $0.scale = ScaleStatus(
                models: [
                    .init(name: "EasyAnimateV5.1-12b-zh", waiting: 11, running: 2, backlogSeconds: 1200.04),
                    .init(name: "EasyAnimateV5.1-7b-zh", waiting: 1, backlogSeconds: 87.46),
                ],
                waiting: 12,
                running: 2,
                backlogSeconds: 1287.5,
                present: 3,
                busy: 2,
                needed: 5
            )
        }
        try await withAPI(service) { port in
            let response = try await request(port, "GET", "/api/v1/scale")
            #expect(response.status == 200)
            #expect(response["Cache-Control"] == "no-store")
            try expectWire(response.body, "scale")
        }
    }

    @Test("A scaler is not told that nothing is to be done when the store cannot be asked")
    func scaleWithoutStore() async throws {
        try await withAPI(ScriptedVideoService { $0.failure = .store(.unavailable("gone")) }) { port in
            let response = try await request(port, "GET", "/api/v1/scale")
            #expect(response.code == "store_unavailable")
        }
    }

    @Test("The whole server is drained and resumed, and shows its queue each time")
    func drainServer() async throws {
        let service = ScriptedVideoService { $0.queue = QueueStatus(waiting: 4, running: 1) }
        try await withAPI(service) { port in
            let drained = try await request(port, "POST", "/api/v1/drain")
            #expect(drained.status == 200)
            #expect(drained.json["draining"] as? Bool == true)
            #expect(drained.json["waiting"] as? Int == 4)
            #expect(try await request(port, "GET", "/api/v1/queue").json["draining"] as? Bool == true)
            let resumed = try await request(port, "POST", "/api/v1/resume")
            #expect(resumed.json["draining"] as? Bool == false)
        }
        #expect(service.drained.map(\.device) == [nil, nil])
        #expect(service.drained.map(\.isDraining) == [true, false])
    }

    @Test("A store that does not answer is a problem of the queue, not of the list of devices")
    func storeDown() async throws {
        let service = ScriptedVideoService {
            $0.devices = Self.devices
            $0.failure = .store(.unavailable("gone"))
        }
        try await withAPI(service) { port in
            let queue = try await request(port, "GET", "/api/v1/queue")
            #expect(queue.code == "store_unavailable")
            let devices = try await request(port, "GET", "/api/v1/devices")
            #expect(devices.status == 200)
        }
    }
}
