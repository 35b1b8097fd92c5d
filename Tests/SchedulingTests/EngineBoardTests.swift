import Engine
import Tasks
import TestSupport
import Testing

@testable import Scheduling

struct EngineBoardTests {
    @Test("An engine that is ready has told its model, whoever looked at it before")
    func readyMeansKnown() {
        let board = EngineBoard(engines: [ScriptedEngine()])
        #expect(board.obstacles().isEmpty)
        #expect(board.catalog?.models.map(\.name) == [EngineFixture.model.name])
    }
}
