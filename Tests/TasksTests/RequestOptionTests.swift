import Tasks
import Testing

@Suite("Memory modes and priorities")
struct RequestOptionTests {
    @Test("The order of memory modes is from the fastest to the most sparing")
    func memoryModes() {
        let modes: [MemoryMode] = [.full, .modelOffload, .modelOffload8Bit, .sequentialOffload]
        #expect(modes.reversed().sorted() == modes)
        #expect(Set(modes) == Set(MemoryMode.allCases))
        for (index, mode) in modes.enumerated() {
            #expect(modes.filter { $0 > mode } == Array(modes[(index + 1)...]))
        }
    }

    @Test("Memory modes have the names of the engine's protocol, which stores keep")
    func memoryModeNames() {
        #expect(
            MemoryMode.allCases.map(\.rawValue)
                == ["full", "model_offload", "model_offload_8bit", "sequential_offload"]
        )
    }

    @Test("A level of the step cache that is less faithful is the higher one")
    func stepCacheOrder() {
        #expect(StepCacheLevel.allCases.shuffled().sorted() == [.off, .balanced, .fast])
    }

    @Test("A priority is found again by its rank, and the more urgent one has the higher")
    func priorities() {
        #expect(TaskPriority.allCases.map(\.rawValue) == ["interactive", "normal", "batch"])
        #expect(TaskPriority.allCases.map(\.rank) == [10, 0, -10])
        for priority in TaskPriority.allCases { #expect(TaskPriority(rank: priority.rank) == priority) }
    }

    @Test(
        "Any rank has a word",
        arguments: [(Int.min, TaskPriority.batch), (-1, .batch), (1, .interactive), (Int.max, .interactive)])
    func ranks(rank: Int, priority: TaskPriority) {
        #expect(TaskPriority(rank: rank) == priority)
    }

    @Test("Tasks without a word about it have the rank that earlier versions gave them")
    func normalRank() {
        #expect(TaskPriority.normal.rank == 0)
    }

    @Test("The pixels of a shape are those of all its frames")
    func pixels() {
        #expect(VideoShape(width: 672, height: 384, numFrames: 49).pixels == 12_644_352)
    }
}
