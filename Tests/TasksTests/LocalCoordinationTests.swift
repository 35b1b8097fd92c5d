import TestSupport
import Testing

/// What other tests rely on when they play several processes.
@Suite("Coordination within a process")
struct LocalCoordinationTests {
    @Test("Keeps the contract", arguments: CoordinationConformance.all)
    func conformance(behaviour: CoordinationConformance) async throws {
        let coordination = LocalCoordination()
        try await behaviour.check(coordination, coordination)
    }
}
