/// Runs a scenario under a virtual clock, with the policies that the server runs.
///
/// Nothing here decides: order, placement, admission, degradation and batching are those of `Tasks` and `Scheduling`, and
/// what they are told is what the server tells them. Left out are failures, cancellations, making way, and uploads; devices
/// run as long as the published table says, with the noise that the scenario has.
package struct Simulator {
    /// What came of it.
    package struct Outcome: Sendable {
        package var report: SimulationReport
        /// The waits of all generations.
        package var wait: DurationHistogram
        /// By the name of their file without its ending.
        package var charts: [(name: String, chart: Chart)]
    }

    private let scenario: Scenario

    package init(_ scenario: Scenario) {
        self.scenario = scenario
    }

    /// Runs to the end.
    package func run() -> Outcome {
        var world = World(scenario)
        while world.step() {}
        return world.outcome()
    }
}
