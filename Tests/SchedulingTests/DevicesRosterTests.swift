import Testing

@testable import Scheduling

@Suite("Who is who among GPUs")
struct DevicesRosterTests {
    private func reading(_ index: Int, _ uuid: String?, parts: [String]? = nil) -> GPUReading {
        GPUReading(
            index: index,
            outcome: .success(GPUFacts(uuid: uuid, name: "Stub", totalBytes: 10, freeBytes: 5)),
            partitions: parts.map { $0.map { GPUFacts(uuid: $0, totalBytes: 5) } }
        )
    }

    private func failure(_ index: Int, _ error: NVMLError = .gpuIsLost) -> GPUReading {
        GPUReading(index: index, outcome: .failure(error))
    }

    private func roster(_ variable: String? = nil, _ looks: [GPUReading]...) -> GPURoster {
        var roster = GPURoster(visible: VisibleDevices(variable))
        for look in looks { roster.update(with: look) }
        return roster
    }

    @Test("Where a GPU has vanished, those that move up keep their ids")
    func vanished() {
        let roster = roster(
            nil,
            [reading(0, "a"), reading(1, "b"), reading(2, "c")],
            [reading(0, "b"), reading(1, "c")]
        )
        #expect(roster.devices.map(\.uuid) == ["a", "b", "c"])
        #expect(roster.devices.map(\.isPresent) == [false, true, true])
    }

    @Test("A GPU that has vanished hides behind no other that has its number")
    func hidden() {
        let roster = roster("0", [reading(0, "a"), reading(1, "b")], [reading(0, "b")])
        #expect(roster.devices.map(\.uuid) == ["a"])
        #expect(roster.devices.map(\.isPresent) == [false])
    }

    @Test("One that comes back at another place is the same; a new one gets the next id")
    func back() {
        let roster = roster(
            nil,
            [reading(0, "a"), reading(1, "b")],
            [reading(0, "b")],
            [reading(0, "new"), reading(1, "b"), reading(2, "a")]
        )
        #expect(roster.devices.map(\.uuid) == ["a", "b", "new"])
        #expect(roster.devices.map(\.id) == ["cuda:0", "cuda:1", "cuda:2"])
        #expect(roster.devices.allSatisfy { $0.isPresent })
    }

    @Test("One that could not be read from the start has its number, and its name as soon as it has one")
    func unread() {
        var roster = roster(nil, [failure(0), reading(1, "b")])
        #expect(roster.devices.map(\.uuid) == ["", "b"])
        #expect(roster.devices.map(\.isPresent) == [false, true])
        roster.update(with: [reading(0, "a"), reading(1, "b")])
        #expect(roster.devices.map(\.uuid) == ["a", "b"])
        #expect(roster.devices.allSatisfy { $0.isPresent })
    }

    @Test("Two that claim one name are two")
    func twins() {
        let roster = roster(nil, [reading(0, "a"), reading(1, "a")], [reading(0, "a"), reading(1, "a")])
        #expect(roster.devices.map(\.id) == ["cuda:0", "cuda:1"])
        #expect(roster.devices.allSatisfy { $0.isPresent })
    }

    @Test("A lost GPU takes its partitions with it, and a partition that was destroyed is lost")
    func partitions() {
        var roster = roster("MIG-2", [reading(0, "a", parts: ["MIG-1", "MIG-2"])])
        #expect(roster.devices.map(\.uuid) == ["MIG-2"])
        roster.update(with: [failure(0)])
        #expect(roster.devices.map(\.state) == [.lost(code: "gpu_lost", message: NVMLError.gpuIsLost.message)])
        roster.update(with: [reading(0, "a", parts: ["MIG-2"])])
        #expect(roster.devices.map(\.isPresent) == [true])
        roster.update(with: [reading(0, "a", parts: ["MIG-3"])])
        #expect(roster.devices.map(\.uuid) == ["MIG-2"])
        #expect(roster.devices.map(\.isPresent) == [false])
    }

    @Test("A GPU that is cut up while the server runs is lost: CUDA does not see it as a whole")
    func repartitioned() {
        let roster = roster(nil, [reading(0, "a")], [reading(0, "a", parts: ["MIG-1"])])
        #expect(roster.devices.map(\.uuid) == ["a"])
        let loss = NVMLLoss.repartitioned
        #expect(roster.devices.map(\.state) == [.lost(code: loss.code, message: loss.message)])
    }

    @Test("A library that invents a new GPU at every look fills no memory")
    func inventions() {
        var roster = GPURoster(visible: .all)
        for look in 0..<2000 { roster.update(with: [reading(0, "gpu-\(look)", parts: nil)]) }
        #expect(roster.devices.count == 256)
    }
}
