import Scheduling
import Tasks
import TestSupport
import Testing

@Suite("What a scaler is told")
struct ScaleStatusTests {
    private func waiting(_ id: Int64, _ model: String, cost: Double) -> WaitingGeneration {
        WaitingGeneration(
            id: GenerationID(rawValue: id),
            tenant: .standard,
            lane: Lane(model: model),
            cost: cost,
            work: Work(
                model: model,
                shape: VideoShape(width: 64, height: 64, numFrames: 9),
                steps: 5,
                isGuided: true
            ),
            since: Timestamp(milliseconds: 0)
        )
    }

    private func queue(_ count: Int, cost: Double) -> QueueHeads {
        QueueHeads(heads: [], count: count, cost: cost, nextDelayed: nil)
    }

    private func device(_ state: DeviceStatus.State, _ engines: [EngineStatus] = []) -> DeviceStatus {
        DeviceStatus(id: "cuda:0", kind: "A100", state: state, totalBytes: 1, freeBytes: 1, engines: engines)
    }

    private func engine(_ model: String?, generations: Int, left: Double?) -> EngineStatus {
        let work = EngineWork(generations: generations, priority: .normal, secondsLeft: left)
        return EngineStatus(index: 0, state: .busy, model: model, work: work)
    }

    @Test("What waits is added up by model")
    func models() {
        let order = [waiting(1, "b", cost: 10), waiting(2, "a", cost: 5), waiting(3, "b", cost: 20)]
        let status = ScaleStatus(queue: queue(3, cost: 35), order: order, devices: [])
        #expect(
            status.models == [
                .init(name: "a", waiting: 1, backlogSeconds: 5), .init(name: "b", waiting: 2, backlogSeconds: 30),
            ]
        )
        #expect(status.waiting == 3)
        #expect(status.backlogSeconds == 35)
    }

    @Test("Those that were looked at stand for the rest")
    func extrapolation() {
        let order = [waiting(1, "a", cost: 10), waiting(2, "b", cost: 30)]
        let status = ScaleStatus(queue: queue(1000, cost: 20_000), order: order, devices: [])
        #expect(status.models.map(\.waiting) == [500, 500])
        #expect(status.models.map(\.backlogSeconds) == [5000, 15_000])
        #expect(status.waiting == 1000)
    }

    @Test("What runs counts with what is left of it, by device and model")
    func running() {
        let devices = [
            device(.busy, [engine("a", generations: 2, left: 12), engine("b", generations: 1, left: nil)]),
            device(.busy, [engine(nil, generations: 1, left: 8)]),
            device(.ready),
        ]
        let status = ScaleStatus(queue: queue(0, cost: 0), order: [], devices: devices)
        #expect(status.running == 4)
        #expect(status.busy == 2)
        #expect(status.backlogSeconds == 20)
        #expect(
            status.models == [
                .init(name: "a", running: 2, backlogSeconds: 12), .init(name: "b", running: 1, backlogSeconds: 0),
            ]
        )
    }

    @Test("Devices that take no work are not there, also if they still have some")
    func present() {
        let draining = device(.draining, [engine("a", generations: 1, left: 3)])
        let devices = DeviceStatus.State.allCases.map { device($0) } + [draining]
        let status = ScaleStatus(queue: queue(0, cost: 0), order: [], devices: devices)
        #expect(status.present == 4)
        #expect(status.busy == 1)
    }

    @Test("Nothing that waits may be taken yet: it is counted, and nothing is made up of models")
    func delayed() {
        let status = ScaleStatus(queue: queue(2, cost: 40), order: [], devices: [])
        #expect(status.waiting == 2)
        #expect(status.backlogSeconds == 40)
        #expect(status.models == [])
    }

    @Test("A scheduler needs no device while nothing waits, and one as soon as something does")
    func scheduler() async throws {
        try await SchedulerWorld.with([ScriptedEngine()]) { world in
            #expect(try await world.scheduler.scale() == ScaleStatus(present: 1))
            try await world.scheduler.setDraining(true, device: nil)
            _ = try await world.submit("a cat")
            let status = try await world.scheduler.scale()
            #expect(status.waiting == 1 && status.busy == 0 && status.present == 0)
            #expect(status.needed == 1)
            #expect(status.models.map(\.waiting) == [1])
            #expect(status.backlogSeconds > 0 && status.models.map(\.backlogSeconds) == [status.backlogSeconds])
        }
    }
}
