import Engine
import Foundation
import Logging
import Results
import Tasks
import TestSupport
import Testing

@testable import Scheduling

@Suite("What processes say of themselves")
struct MemberReportTests {
    private let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    private let own = MemberIdentity(id: WorkerID(rawValue: "own"), host: "here")

    private static func engine(_ change: (inout ReportedEngine) -> Void = { _ in }) -> ReportedEngine {
        var engine = ReportedEngine(state: "ready", isReady: true, isUsable: true, reservedBytes: 0)
        change(&engine)
        return engine
    }

    private static func report(
        _ host: String = "there",
        bytes: Int64 = 80 << 30,
        models: [String] = ["m"],
        engines: [ReportedEngine] = [engine()]
    ) -> MemberReport {
        let device = ReportedDevice(
            id: "cuda:0",
            kind: "NVIDIA A100",
            state: "ready",
            totalBytes: bytes,
            freeBytes: bytes,
            isClosed: false,
            models: models,
            engines: engines
        )
        return MemberReport(identity: MemberIdentity(role: .worker, host: host), devices: [device])
    }

    private func deployment(_ engines: [any VideoEngine] = []) -> (Deployment, MemberBoard) {
        let members = MemberBoard(own: own.id, logger: logger)
        let fleet = Fleet(engines: engines, running: RunningGenerations()) { DeviceReport() }
        let deployment = Deployment(
            identity: own,
            board: EngineBoard(engines: engines),
            fleet: fleet,
            members: members,
            clock: ManualClock()
        )
        return (deployment, members)
    }

    private func member(_ id: String, _ report: MemberReport) throws -> Member {
        Member(id: WorkerID(rawValue: id), report: try report.encoded())
    }

    @Test("What a newer process says beside what is known is passed over")
    func newerFields() throws {
        var object = try #require(
            try JSONSerialization.jsonObject(with: Data(try Self.report().encoded())) as? [String: Any]
        )
        object["novelty"] = ["a": 1]
        let bytes = Array(try JSONSerialization.data(withJSONObject: object))
        #expect(try MemberReport(reading: bytes) == Self.report())
    }

    @Test(
        "What is damaged, too large or of a newer format is passed over, and the others are there",
        arguments: ["", "{}", "[1,2]", "\u{0}", #"{"format":2}"#]
    )
    func damaged(_ text: String) throws {
        let (deployment, members) = deployment()
        let bad = Member(id: WorkerID(rawValue: "bad"), report: Array(text.utf8))
        let large = Member(id: WorkerID(rawValue: "large"), report: [UInt8](repeating: 32, count: 2 << 20))
        _ = members.take([bad, large, try member("good", Self.report())], at: 0)
        #expect(deployment.others(at: 1).map(\.id.rawValue) == ["good"])
    }

    @Test("Numbers that are none trap nobody who adds them up")
    func extremes() throws {
        let (deployment, members) = deployment()
        let work = ReportedEngine.Work(
            generations: .min, priority: .max, stage: "denoise", step: .max, totalSteps: .min, secondsLeft: -1e300)
        let engines = (0..<3).map { _ in
            Self.engine {
                $0.reservedBytes = .max
                $0.freeIn = 1e300
                $0.work = work
            }
        }
        var report = Self.report(bytes: .max, engines: engines)
        report.running = [ReportedGeneration(id: .min, secondsLeft: -1e300)]
        _ = members.take([try member("a", report)], at: 0)
        let views = deployment.views(at: 0)
        #expect(views.first?.availableBytes(forEngineAt: 0) == 0)
        #expect(deployment.statuses(beside: [], at: 0).first?.engines.count == 3)
        #expect(deployment.secondsLeft(of: GenerationID(rawValue: .min), at: 5) == 0)
    }

    @Test("Who could not be asked for as long as a process stays is not there any more")
    func staleness() throws {
        let (deployment, members) = deployment()
        _ = members.take([try member("a", Self.report())], at: 100)
        #expect(deployment.others(at: 109).count == 1)
        #expect(deployment.others(at: 110).isEmpty)
        #expect(!members.isKnown(at: 110))
    }

    @Test("Devices are called by their machine where there are several processes, and told apart on one machine")
    func names() throws {
        let (deployment, members) = deployment([ScriptedEngine(device: "cuda:0")])
        let status = DeviceStatus(id: "cuda:0", kind: "x", state: .ready, totalBytes: 1, freeBytes: 1)
        #expect(deployment.statuses(beside: [status], at: 0).map(\.id) == ["cuda:0"])
        #expect(deployment.place(of: "cuda:0", at: 0) == .here("cuda:0"))
        _ = members.take(
            [try member("aaaaaaaaaa", Self.report("twin")), try member("bbbbbbbbbb", Self.report("twin"))], at: 0)
        #expect(
            deployment.statuses(beside: [status], at: 0).map(\.id)
                == ["here/cuda:0", "twin~aaaaaaaa/cuda:0", "twin~bbbbbbbb/cuda:0"]
        )
        #expect(deployment.statuses(beside: [status], at: 0).flatMap(\.engines).map(\.index) == [0, 1])
        #expect(deployment.place(of: "here/cuda:0", at: 0) == .here("cuda:0"))
        #expect(
            deployment.place(of: "twin~bbbbbbbb/cuda:0", at: 0)
                == .elsewhere(WorkerID(rawValue: "bbbbbbbbbb"), "cuda:0")
        )
        #expect(deployment.place(of: "cuda:0", at: 0) == nil)
    }

    // MARK: Courtesy

    private static func head(_ id: Int64, model: String = "m", bytes: Int64 = 0) -> WaitingGeneration {
        WaitingGeneration(
            id: GenerationID(rawValue: id),
            tenant: .standard,
            lane: Lane(model: model, memoryBytes: bytes),
            work: Work(
                model: model,
                shape: VideoShape(width: 8, height: 8, numFrames: 1),
                steps: 1,
                isGuided: false
            ),
            since: Timestamp(milliseconds: 0)
        )
    }

    private static func view(warm: String? = nil, bytes: Int64 = 8 << 30) -> DeviceView {
        DeviceView(
            id: "cpu",
            kind: DeviceKind(name: "cpu"),
            totalBytes: bytes,
            freeBytes: bytes,
            engines: [EngineView(index: 0, device: 0, state: .ready, warm: warm.map { Warm(model: $0) })]
        )
    }

    @Test("A generation is left to a free device with its model for a moment, and to no other, and no longer")
    func grace() throws {
        let (deployment, members) = deployment()
        let warm = Self.report(engines: [Self.engine { $0.warm = "m" }])
        _ = members.take([try member("a", warm)], at: 0)
        var courtesy = Courtesy(deployment: deployment)
        let (head, other) = (Self.head(1), Self.head(2, model: "n"))
        let first = courtesy.choose(among: [head, other], for: [Self.view()], at: 1)
        #expect(first.heads.map(\.id) == [other.id])
        #expect(first.until == 3)
        #expect(courtesy.choose(among: [head], for: [Self.view()], at: 2.9).heads.isEmpty)
        #expect(courtesy.choose(among: [head], for: [Self.view()], at: 3).heads == [head])
        #expect(courtesy.choose(among: [head], for: [Self.view()], at: 5).heads == [head])

        var warmHere = Courtesy(deployment: deployment)
        #expect(warmHere.choose(among: [head], for: [Self.view(warm: "m")], at: 1).heads == [head])
        let busy = Self.engine {
            $0.warm = "m"
            $0.isReady = false
        }
        _ = members.take([try member("a", Self.report(engines: [busy]))], at: 1)
        var busyThere = Courtesy(deployment: deployment)
        #expect(busyThere.choose(among: [head], for: [Self.view()], at: 1).heads == [head])
    }

    @Test("What no device here can hold is left to a larger one elsewhere, as long as that is there")
    func larger() throws {
        let (deployment, members) = deployment()
        let head = Self.head(1, bytes: 40 << 30)
        _ = members.take([try member("a", Self.report())], at: 0)
        var courtesy = Courtesy(deployment: deployment)
        #expect(courtesy.choose(among: [head], for: [Self.view()], at: 1).heads.isEmpty)
        #expect(courtesy.choose(among: [head], for: [Self.view()], at: 9).heads.isEmpty)
        _ = members.take([try member("a", Self.report(models: ["n"]))], at: 9)
        #expect(courtesy.choose(among: [head], for: [Self.view()], at: 9).heads == [head])
        _ = members.take([try member("a", Self.report(bytes: 4 << 30))], at: 9)
        #expect(courtesy.choose(among: [head], for: [Self.view()], at: 9).heads == [head])
    }

    // MARK: Models and lessons

    @Test("A model is remembered for a week after some worker had it")
    func remembering() throws {
        let start = Timestamp(milliseconds: 1_000_000_000_000)
        let catalog = try #require(RememberedCatalog().renewed(by: [EngineFixture.description], at: start))
        let read = try #require(RememberedCatalog(reading: try catalog.encoded()))
        #expect(read == catalog)
        #expect(read.renewed(by: [EngineFixture.description], at: start.advanced(by: .seconds(60))) == nil)
        #expect(read.renewed(by: [EngineFixture.description], at: start.advanced(by: .seconds(7_200))) != nil)
        let day = Duration.seconds(86_400)
        #expect(read.descriptions(at: start.advanced(by: day * 6)).count == EngineFixture.description.models.count)
        #expect(read.descriptions(at: start.advanced(by: day * 8)).isEmpty)
        #expect(RememberedCatalog(reading: Array("{}".utf8)) == nil)
    }

    @Test("Of two checkpoints of one name every process remembers the same")
    func twoVersions() throws {
        var newer = EngineFixture.description
        newer.engineVersion = "newer"
        let now = Timestamp(milliseconds: 1_000_000_000_000)
        let both = [newer, EngineFixture.description]
        let catalog = try #require(RememberedCatalog().renewed(by: both, at: now))
        #expect(catalog.models.allSatisfy { $0.engineVersion == "newer" })
        #expect(catalog.renewed(by: both, at: now) == nil)
        #expect(catalog.renewed(by: [EngineFixture.description], at: now) != nil)
    }

    @Test("A lesson is read as it was told, and one that cannot have happened teaches nothing")
    func lessons() throws {
        let work = PolicyFixture.work()
        let lesson = Lesson(
            work: work,
            model: PolicyFixture.model,
            mode: .full,
            kind: PolicyFixture.a10,
            rows: 1,
            times: Lesson.Times(steps: 25, denoise: 50),
            peakBytes: 1 << 30
        )
        #expect(Lesson(reading: try lesson.encoded()) == lesson)
        var impossible = lesson
        impossible.work.shape.width = .max
        #expect(Lesson(reading: try impossible.encoded()) == nil)
        impossible = lesson
        impossible.rows = 0
        #expect(Lesson(reading: try impossible.encoded()) == nil)
        #expect(Lesson(reading: Array("null".utf8)) == nil)
    }

    @Test("A duty is one process's at a time, and another's once it is not kept")
    func duties() async throws {
        let clock = ManualClock()
        let coordination = LocalCoordination(clock: clock)
        let one = DutyTurn("d", as: WorkerID(rawValue: "one"), coordination)
        let other = DutyTurn("d", as: WorkerID(rawValue: "other"), coordination)
        #expect(await one.take(for: .seconds(10), logger))
        #expect(await !other.take(for: .seconds(10), logger))
        #expect(await one.take(for: .seconds(10), logger))
        clock.advance(by: .seconds(11))
        #expect(await other.take(for: .seconds(10), logger))
        #expect(await !one.take(for: .seconds(10), logger))
        coordination.isDown = true
        #expect(await !other.take(for: .seconds(10), logger))
    }
}
