import Testing

@testable import Scheduling

@Suite("CUDA_VISIBLE_DEVICES")
struct DevicesVisibleTests {
    /// The third shares the beginning of its UUID with the first.
    private let three = ["GPU-aa11", "GPU-bb22", "GPU-aa33"].map { VisibleDevices.Candidate(uuid: $0) }

    @Test(
        "Chooses, orders and ends as CUDA does",
        arguments: [
            (nil, [0, 1, 2]),
            ("", []),
            ("0,1,2", [0, 1, 2]),
            ("2,1", [2, 1]),
            (" 1 , 0 ", [1, 0]),
            ("+1", [1]),
            // The first that is not there ends the list.
            ("0,2,-1,1", [0, 2]),
            ("0,7,1", [0]),
            ("7", []),
            ("-1", []),
            ("NoDevFiles", []),
            ("0,,1", [0]),
            ("1gpu2,2ampere", [1, 2]),
            // A repeated one leaves none.
            ("0,1,0", []),
            ("99999999999999999999", []),
            ("GPU-bb22,GPU-aa11", [1, 0]),
            ("GPU-b,GPU-aa3", [1, 2]),
            // More than one begins so.
            ("GPU-aa,GPU-bb", []),
            ("GPU-bb,GPU-none,GPU-aa11", [1]),
            ("GPU-bb,GPU-bb22", []),
            // All are of the kind of the first.
            ("GPU-bb,0", [1]),
            ("0,GPU-bb", [0]),
            ("MIG-aa", []),
        ] as [(String?, [Int])]
    )
    func whole(variable: String?, expected: [Int]) {
        let choices = VisibleDevices(variable).choices(among: three)
        #expect(choices.map(\.gpu) == expected)
        #expect(choices.allSatisfy { $0.partition == nil })
    }

    @Test(
        "Of partitions one is used, and none together with a whole GPU",
        arguments: [
            (nil, [.init(gpu: 1, partition: 0)]),
            ("0", [.init(gpu: 0)]),
            ("0,1", [.init(gpu: 1, partition: 0)]),
            ("MIG-2", [.init(gpu: 1, partition: 1)]),
            ("MIG-2,MIG-1", [.init(gpu: 1, partition: 1)]),
            ("MIG-3", []),
            ("GPU-a", [.init(gpu: 0)]),
            // A GPU in pieces cannot be used as a whole.
            ("GPU-b", []),
            ("2", []),
        ] as [(String?, [VisibleDevices.Choice])]
    )
    func partitions(variable: String?, expected: [VisibleDevices.Choice]) {
        let gpus = [
            VisibleDevices.Candidate(uuid: "GPU-a"),
            VisibleDevices.Candidate(uuid: "GPU-b", partitions: ["MIG-1", "MIG-2"]),
            VisibleDevices.Candidate(uuid: "GPU-c", partitions: []),
        ]
        #expect(VisibleDevices(variable).choices(among: gpus) == expected)
    }

    @Test("A GPU that could not be read has a number, and no name to be found by")
    func unread() {
        let gpus = [VisibleDevices.Candidate(uuid: nil), VisibleDevices.Candidate(uuid: "GPU-b")]
        #expect(VisibleDevices("1,0").choices(among: gpus).map(\.gpu) == [1, 0])
        #expect(VisibleDevices("GPU-").choices(among: gpus).map(\.gpu) == [1])
    }

    @Test("A list without end is looked at in part")
    func endless() {
        let list = Array(repeating: "x", count: 1_000_000).joined(separator: ",")
        #expect(VisibleDevices("0," + list) == .indices([0]))
    }
}
