import Foundation
import Tasks
import Testing

@testable import Scheduling

@Suite("Scheduling: predicted memory")
struct MemoryModelTests {
    private typealias Fixture = PolicyFixture
    private static let gigabyte: Int64 = 1_000_000_000

    @Test(
        "Before anything is measured, the published table decides on the mode",
        arguments: [
            (Int64(16), Fixture.small, MemoryMode.modelOffload8Bit), (16, Fixture.medium, .sequentialOffload),
            (24, Fixture.medium, .modelOffload8Bit), (43, Fixture.large, .modelOffload), (80, Fixture.large, .full),
            (16, Fixture.large, nil), (24, Fixture.large, nil), (0, Fixture.large, .full),
        ] as [(Int64, VideoShape, MemoryMode?)]
    )
    func table(gigabytes: Int64, shape: VideoShape, mode: MemoryMode?) {
        let capacity = gigabytes * Self.gigabyte
        #expect(MemoryModel().mode(for: Fixture.work(shape), model: Fixture.model, capacity: capacity) == mode)
    }

    @Test("Where nothing is known of a model, its fastest mode is tried")
    func unknown() {
        let memory = MemoryModel()
        let work = Fixture.work(model: Fixture.tiny)
        #expect(memory.peakBytes(work, model: Fixture.tiny, mode: .full) == nil)
        #expect(memory.mode(for: work, model: Fixture.tiny, capacity: 1) == .full)
        #expect(memory.leastMemory(for: work, model: Fixture.tiny) == 0)
    }

    @Test("The operator's mode counts more than the table, and less than what was measured")
    func wanted() {
        let model = ModelFacts(
            name: Fixture.model.name,
            weightBytes: Fixture.model.weightBytes,
            memoryModes: MemoryMode.allCases,
            memoryTable: Fixture.model.memoryTable,
            wanted: .modelOffload
        )
        var memory = MemoryModel()
        let work = Fixture.work(Fixture.large)
        #expect(memory.mode(for: work, model: model, capacity: 24 * Self.gigabyte) == .modelOffload)
        #expect(memory.mode(for: work, model: model, capacity: 80 * Self.gigabyte) == .modelOffload)
        #expect(memory.leastMemory(for: work, model: model) == 0)
        memory.learn(work: work, model: model, mode: .modelOffload, peakBytes: 30 * Self.gigabyte)
        #expect(memory.mode(for: work, model: model, capacity: 24 * Self.gigabyte) == nil)
    }

    @Test("A measured peak and a tenth win over the table, in both directions")
    func measured() {
        var memory = MemoryModel()
        let work = Fixture.work(Fixture.large)
        memory.learn(work: work, model: Fixture.model, mode: .modelOffload, peakBytes: 20 * Self.gigabyte)
        #expect(memory.peakBytes(work, model: Fixture.model, mode: .modelOffload) == 22 * Self.gigabyte)
        #expect(memory.mode(for: work, model: Fixture.model, capacity: 24 * Self.gigabyte) == .modelOffload)
        // What needs less fits as well.
        let smaller = Fixture.work(Fixture.medium)
        #expect(memory.mode(for: smaller, model: Fixture.model, capacity: 24 * Self.gigabyte) == .modelOffload)
        memory.learn(work: smaller, model: Fixture.model, mode: .modelOffload, peakBytes: 42 * Self.gigabyte)
        #expect(memory.mode(for: smaller, model: Fixture.model, capacity: 43 * Self.gigabyte) == .modelOffload8Bit)
    }

    @Test("A lower peak later does not hide a higher one at once")
    func highest() {
        var memory = MemoryModel()
        let work = Fixture.work(model: Fixture.tiny)
        memory.learn(work: work, model: Fixture.tiny, mode: .full, peakBytes: 1_000_000)
        memory.learn(work: work, model: Fixture.tiny, mode: .full, peakBytes: 500_000)
        #expect(memory.peakBytes(work, model: Fixture.tiny, mode: .full) == 1_089_000)
        for _ in 0..<200 { memory.learn(work: work, model: Fixture.tiny, mode: .full, peakBytes: 500_000) }
        #expect(memory.peakBytes(work, model: Fixture.tiny, mode: .full) == 550_000)
    }

    @Test("Beyond all that is known, the need grows with pixels and frames")
    func extrapolation() throws {
        let memory = MemoryModel()
        let beyond = Fixture.work(VideoShape(width: 1408, height: 1408, numFrames: 49))
        let need = try #require(memory.peakBytes(beyond, model: Fixture.model, mode: .modelOffload))
        let largest = try #require(
            memory.peakBytes(Fixture.work(Fixture.large), model: Fixture.model, mode: .modelOffload)
        )
        #expect(need > largest + largest / 4)
        #expect(memory.mode(for: beyond, model: Fixture.model, capacity: 41 * Self.gigabyte) == nil)
        var learned = memory
        learned.learn(work: Fixture.work(model: Fixture.tiny), model: Fixture.tiny, mode: .full, peakBytes: 10_000_000)
        let twice = Fixture.work(Fixture.medium, model: Fixture.tiny)
        let grown = try #require(learned.peakBytes(twice, model: Fixture.tiny, mode: .full))
        #expect(grown > 11_000_000 && grown < 22_000_000)
    }

    @Test("Several generations in a pass need more than one, and the measured need of one says nothing lower")
    func rows() throws {
        var memory = MemoryModel()
        let work = Fixture.work(Fixture.small)
        func peak(_ rows: Int) throws -> Int64 {
            try #require(memory.peakBytes(work, model: Fixture.model, mode: .full, rows: rows))
        }
        #expect(try peak(1) < peak(2) && peak(2) < peak(4))
        memory.learn(work: work, model: Fixture.model, mode: .full, peakBytes: 50 * Self.gigabyte)
        memory.learn(work: work, model: Fixture.model, mode: .full, peakBytes: 55 * Self.gigabyte, rows: 2)
        #expect(try peak(1) == 55 * Self.gigabyte)
        #expect(try peak(2) == 60_500_000_000)
        #expect(try peak(3) > peak(2))
    }

    @Test("Where there was no room once, the mode is not tried again for as much or more, until it is seen to fit")
    func lack() {
        var memory = MemoryModel()
        let work = Fixture.work(Fixture.small)
        let capacity = 24 * Self.gigabyte
        memory.learnLack(work: work, model: Fixture.model, mode: .modelOffload8Bit, capacity: capacity)
        #expect(memory.mode(for: work, model: Fixture.model, capacity: capacity) == .sequentialOffload)
        #expect(memory.mode(for: work, model: Fixture.model, capacity: 16 * Self.gigabyte) == .sequentialOffload)
        let larger = Fixture.work(Fixture.medium)
        #expect(memory.mode(for: larger, model: Fixture.model, capacity: capacity) == .sequentialOffload)
        #expect(memory.mode(for: work, model: Fixture.model, capacity: 43 * Self.gigabyte) == .modelOffload)
        memory.learn(work: work, model: Fixture.model, mode: .modelOffload8Bit, peakBytes: 14 * Self.gigabyte)
        #expect(memory.mode(for: work, model: Fixture.model, capacity: capacity) == .modelOffload8Bit)
    }

    @Test("A lack is forgotten after many more generations: something else may have held the memory")
    func history() {
        var memory = MemoryModel()
        let work = Fixture.work(Fixture.large)
        let capacity = 43 * Self.gigabyte
        memory.learnLack(work: work, model: Fixture.model, mode: .modelOffload, capacity: capacity)
        #expect(memory.mode(for: work, model: Fixture.model, capacity: capacity) == .modelOffload8Bit)
        let small = Fixture.work(Fixture.small)
        for _ in 0..<MemoryModel.lackLessons {
            memory.learn(work: small, model: Fixture.model, mode: .modelOffload, peakBytes: 10 * Self.gigabyte)
        }
        #expect(memory.mode(for: work, model: Fixture.model, capacity: capacity) == .modelOffload)
    }

    @Test("Lanes have the sizes of the table, or steps of cards, and rise above a lack")
    func lanes() {
        var memory = MemoryModel()
        #expect(memory.leastMemory(for: Fixture.work(Fixture.small), model: Fixture.model) == 15_500_000_000)
        #expect(memory.leastMemory(for: Fixture.work(Fixture.medium), model: Fixture.model) == 15_500_000_000)
        // The table says that it has no room on 24 GB, and that it has on 40 GB in a mode that needs more.
        let large = memory.leastMemory(for: Fixture.work(Fixture.large), model: Fixture.model)
        #expect(large > 24_000_000_000 && large <= 40_000_000_000)
        let work = Fixture.work(model: Fixture.tiny)
        memory.learn(work: work, model: Fixture.tiny, mode: .full, peakBytes: 3 << 30)
        let lane = memory.leastMemory(for: work, model: Fixture.tiny)
        #expect(lane >= Int64(3.3 * Double(1 << 30)) && lane <= 4 << 30)
        memory.learnLack(work: work, model: Fixture.tiny, mode: .full, capacity: 8 << 30)
        #expect(memory.leastMemory(for: work, model: Fixture.tiny) > 8 << 30)
    }

    @Test("What is remembered is bounded")
    func bounded() {
        var memory = MemoryModel()
        for number in 1...500 {
            var model = Fixture.tiny
            model.name = "model \(number)"
            let work = Fixture.work(VideoShape(width: number, height: number, numFrames: 1), model: model)
            memory.learn(work: work, model: model, mode: .full, peakBytes: 1000)
            let same = Fixture.work(VideoShape(width: number, height: number, numFrames: 1), model: Fixture.tiny)
            memory.learn(work: same, model: Fixture.tiny, mode: .full, peakBytes: Int64(number))
            memory.learnLack(work: same, model: Fixture.tiny, mode: .full, capacity: 1)
        }
        #expect(memory.ways.count <= MemoryModel.wayLimit)
        let way = memory.ways[MemoryModel.Way(model: Fixture.tiny.name, mode: .full)]
        #expect(way?.peaks.count == MemoryModel.peakLimit)
        #expect(way.map { $0.lacks.count <= MemoryModel.lackLimit } == true)
    }

    @Test("It survives being stored, and what cannot be read gives one that has learned nothing")
    func stored() throws {
        var memory = MemoryModel()
        let work = Fixture.work(model: Fixture.tiny)
        memory.learn(work: work, model: Fixture.tiny, mode: .full, peakBytes: 1_000_000)
        let bytes = try JSONEncoder().encode(memory)
        let read = try JSONDecoder().decode(MemoryModel.self, from: bytes)
        #expect(read.peakBytes(work, model: Fixture.tiny, mode: .full) == 1_100_000)
        let text = try #require(String(bytes: bytes, encoding: .utf8))
        let damaged = [
            "[]", "{}", "17", "null", #"{"format":1,"ways":[7]}"#, text.replacing(#""format":1"#, with: #""format":2"#),
            text.replacing("1000000", with: "-5"), text.replacing("1000000", with: "9223372036854775807"),
        ]
        for text in damaged {
            let fresh = try JSONDecoder().decode(MemoryModel.self, from: Data(text.utf8))
            #expect(fresh.ways.count == 0, "\(text)")
        }
    }
}
