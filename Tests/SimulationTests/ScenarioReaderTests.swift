import Scheduling
import Simulation
import Tasks
import TasksSQLite
import Testing

@testable import Server

@Suite("Scenario files")
struct ScenarioReaderTests {
    private static let minimal = """
        duration: 60
        fleet:
          - {count: 2, kind: A100, memory_gb: 80}
        traffic:
          - rate: 1
            shapes:
              - {width: 672, height: 384, frames: 49, steps: 25}
        """

    private func faults(_ text: String) -> [String] {
        do throws(SettingsReader.Faults) {
            _ = try ScenarioReader.read(text, name: "test")
            return []
        } catch {
            return error.faults.map(\.description)
        }
    }

    @Test("What is left out has a default")
    func defaults() throws {
        let contents = try ScenarioReader.read(Self.minimal, name: "test")
        let scenario = contents.scenario
        #expect(contents.search == nil)
        #expect(scenario.seed == 1)
        #expect(scenario.noise == 0)
        #expect(scenario.end == .init(seconds: 60, isDrained: false))
        let devices = DeviceGroup(name: "A100", count: 2, kind: "A100", memoryBytes: 80_000_000_000)
        #expect(scenario.fleet == [devices])
        let work = Work(
            model: PublishedModels.large.name,
            shape: VideoShape(width: 672, height: 384, numFrames: 49),
            steps: 25,
            isGuided: true
        )
        let group = TenantGroup(name: "group 1", arrival: .poisson(rate: 1), shapes: [ShapeShare(work: work)])
        #expect(scenario.traffic == [group])
        #expect(scenario.settings == ServerConfiguration().scheduling)
        #expect(scenario.aging == SQLiteTaskStoreSettings().aging)
    }

    @Test("Every key is read")
    func everything() throws {
        let text = """
            seed: 7
            noise: 0.1
            duration: 3600
            drain: true
            warm_up: 60
            fleet:
              - {name: big, count: 3, kind: H100, memory_gb: 80, speed: 1.5, price_per_hour: 3, engines_per_device: 2}
            traffic:
              - name: web
                tenants: 5
                weight: 2
                priority: batch
                arrival: burst
                rate: 2
                burst: 10
                total: 1000
                repeats: {prompts: 100, exponent: 1.2}
                degrade: {share: 0.5, min_steps: 10, min_frames: 25, min_height: 256}
                deterministic: 0.25
                shapes:
                  - {model: easyanimate-7b, width: 512, height: 512, frames: 25, steps: 30, guided: false,
                     step_cache: fast, share: 3}
              - arrival: closed
                in_flight: 2
                think: 5
                repeats: 0.5
                shapes:
                  - {width: 512, height: 512, frames: 25, steps: 30}
            settings:
              queue: {limit: 5, maxWait: 60, aging: 30}
              batch: {size: 2, window: 1}
              engine: {sleepAfter: 100}
            find: {least: repeats, of: group 2, from: 0.5, to: 1, step: 0.01, wait: 10, percentile: 90, max_refused: 0.1}
            """
        let contents = try ScenarioReader.read(text, name: "test")
        let scenario = contents.scenario
        #expect(scenario.seed == 7)
        #expect(scenario.noise == 0.1)
        #expect(scenario.warmUp == 60)
        #expect(scenario.end == .init(seconds: 3600, isDrained: true))
        #expect(scenario.fleet[0].speed == 1.5)
        #expect(scenario.fleet[0].pricePerHour == 3)
        #expect(scenario.fleet[0].enginesPerDevice == 2)
        let web = scenario.traffic[0]
        #expect(web.tenants == 5)
        #expect(web.weight == 2)
        #expect(web.priority == .batch)
        #expect(web.arrival == .burst(rate: 2, size: 10))
        #expect(web.total == 1000)
        #expect(web.repeats == .zipf(prompts: 100, exponent: 1.2))
        #expect(web.degradableShare == 0.5)
        #expect(web.floor == DegradationFloor(minSteps: 10, minFrames: 25, minHeight: 256))
        #expect(web.deterministicShare == 0.25)
        #expect(web.shapes[0].share == 3)
        #expect(web.shapes[0].work.model == PublishedModels.small.name)
        #expect(!web.shapes[0].work.isGuided)
        #expect(web.shapes[0].work.stepCache == .fast)
        #expect(scenario.traffic[1].arrival == .closed(inFlight: 2, thinkSeconds: 5))
        #expect(scenario.settings.admission == AdmissionPolicy(maxWaiting: 5, maxWait: .seconds(60)))
        #expect(scenario.settings.batch == BatchPolicy(size: 2, window: .seconds(1)))
        #expect(scenario.settings.scaling.sleepAfter == .seconds(100))
        #expect(scenario.aging == .seconds(30))
        let search = Search(
            quantity: .repeats(ofTenants: 1),
            from: 0.5,
            to: 1,
            step: 0.01,
            aim: .init(wait: 10, percentile: 0.9, maxRefusedShare: 0.1)
        )
        #expect(contents.search == search)
    }

    @Test("Everything that is wrong is said at once, with the path of its key")
    func allFaults() {
        let text = """
            duraton: 60
            noise: lots
            fleet:
              - {kind: A100, memory_gb: -1}
              - {count: 0, kind: A100, memory_gb: 80}
            traffic:
              - rate: 1
                burst: 5
                priority: urgent
                shapes:
                  - {width: 670, height: 384, frames: 48, steps: 25}
              - arrival: at_once
                repeats: 2
                shapes: []
            settings:
              queue: {limit: none}
            find: {least: count, of: a10, from: 5, to: 2, step: 1, wait: 1}
            """
        let expected = [
            "duraton: unknown key; did you mean duration?",
            "fleet[0].count: is missing",
            #"fleet[0].memory_gb: must be a number from 1 to 10000; it is "-1""#,
            #"fleet[1].count: must be a whole number from 1 to 100000; it is "0""#,
            #"fleet[1].name: "A100" is the name of another group"#,
            #"traffic[0].priority: must be one of interactive, normal, batch; it is "urgent""#,
            "traffic[0].burst: means nothing with arrival: poisson",
            "traffic[0].shapes[0].width: must be a multiple of 16",
            "traffic[0].shapes[0].frames: must be 4k + 1",
            "traffic[1].total: is missing: how many come at once",
            "traffic[1].shapes: must be a list with at least one entry",
            #"traffic[1].repeats: must be a number from 0 to 1; it is "2""#,
            #"noise: must be a number from 0 to 2; it is "lots""#,
            "traffic[0].total: is missing, as is duration: it would never end",
            "find.of: must be one of A100, A100",
            "find.to: must be more than from",
        ]
        let found = faults(text)
        for fault in expected { #expect(found.contains(fault), "\(fault)") }
        #expect(found.contains { $0.hasPrefix("settings: queue.limit: must be whole number") })
        #expect(found.count >= expected.count + 1)
    }

    @Test(
        "What is no scenario at all is said to be none", arguments: ["", "[1, 2]", "a: [", "just text", "a: 1\na: 2"])
    func garbage(text: String) {
        #expect(!faults(text).isEmpty)
    }

    @Test("A file that is not there is a fault")
    func missingFile() {
        #expect(throws: SettingsReader.Faults.self) { try ScenarioReader.read(file: "/nowhere/scenario.yaml") }
    }

    @Test(
        "The examples of the documentation are read",
        arguments: ["a100s-without-cache", "mixed-fleet", "thousand-gpus", "two-a100-with-cache"]
    )
    func examples(name: String) throws {
        _ = try ScenarioReader.read(file: "\(CapacityDocument.repository)/docs/examples/simulate/\(name).yaml")
    }

    @Test("The answer is written as a report, as JSON and as pictures")
    func answer() throws {
        let answer = SimulationAnswer(try ScenarioReader.read(Self.minimal, name: "test"))
        #expect(answer.isFound)
        #expect(answer.text.contains("utilisation"))
        let files = try answer.files
        #expect(
            files.map(\.name) == [
                "report.txt", "report.json", "waits.svg", "queue.svg", "utilisation.svg", "tenants.svg",
            ]
        )
        #expect(try answer.json.contains(#""hit_share""#) == false)
        #expect(try answer.json.contains(#""device_hours""#))
        for file in files where file.name.hasSuffix(".svg") {
            #expect(file.text.hasPrefix("<svg"))
            #expect(file.text.hasSuffix("</svg>\n"))
        }
    }

    @Test("A search that finds nothing says so")
    func nothingFound() throws {
        let find = "\nfind: {least: count, of: A100, from: 1, to: 3, step: 1, wait: 0}\n"
        let answer = SimulationAnswer(try ScenarioReader.read(Self.minimal + find, name: "test"))
        #expect(!answer.isFound)
        #expect(answer.text.contains("found  nothing up to 3 devices does"))
    }
}
