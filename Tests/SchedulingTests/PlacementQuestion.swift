import Tasks

@testable import Scheduling

/// What is asked of the policy, with what is the same in most tests.
struct PlacementQuestion {
    var policy = PlacementPolicy()
    var heads: [WaitingGeneration]
    var devices: [DeviceView]
    var memory = MemoryModel()
    var reserved: Reservation?
    var now = 1000.0

    mutating func step() -> PlacementStep {
        policy.next(
            heads: heads,
            devices: devices,
            models: PolicyFixture.models,
            costs: CostModel(),
            memory: memory,
            reserved: &reserved,
            now: now
        )
    }

    /// The engine that the first step gives work to.
    mutating func engine() -> Int? {
        if case .assign(let assignment) = step() { assignment.engine } else { nil }
    }
}
