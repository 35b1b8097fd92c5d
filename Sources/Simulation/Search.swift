/// Looks for the least of something with which a scenario still does what is wanted.
///
/// Halves the range until it is one step wide, so that a thousand steps take ten simulations. That more of it is never
/// worse is assumed.
package struct Search: Sendable, Equatable {
    /// What is varied.
    package enum Quantity: Sendable, Equatable {
        /// Devices of a group, by its index.
        case count(ofDevices: Int)
        /// The share of requests of a group, by its index, that are answered from the cache.
        case repeats(ofTenants: Int)
    }

    /// What is wanted.
    package struct Aim: Sendable, Equatable {
        /// Seconds that so large a share of generations wait at most.
        package var wait: Double
        /// Of generations.
        package var percentile: Double
        /// Of requests.
        package var maxRefusedShare: Double

        package init(wait: Double, percentile: Double, maxRefusedShare: Double) {
            self.wait = wait
            self.percentile = percentile
            self.maxRefusedShare = maxRefusedShare
        }
    }

    /// One simulation.
    package struct Trial: Sendable, Equatable, Codable {
        package var value: Double
        /// Seconds that the wanted share of generations waited at most.
        package var wait: Double
        package var refusedShare: Double
        package var utilisation: Double
        package var generations: Int
        package var isGood: Bool
    }

    package var quantity: Quantity
    package var from: Double
    package var to: Double
    package var step: Double
    package var aim: Aim

    package init(quantity: Quantity, from: Double, to: Double, step: Double, aim: Aim) {
        self.quantity = quantity
        self.from = from
        self.to = to
        self.step = step
        self.aim = aim
    }

    /// Simulates until it is found.
    ///
    /// - Parameter scenario: what is varied.
    /// - Returns: all simulations in order, and the last good one; `nil` if even the greatest value does not do.
    package func run(_ scenario: Scenario) -> (trials: [Trial], found: Trial?, outcome: Simulator.Outcome?) {
        var trials: [Trial] = []
        var best: (trial: Trial, outcome: Simulator.Outcome)?
        /// Tries the value so many steps above the least.
        func isGood(_ index: Int) -> Bool {
            let value = min(from + Double(index) * step, to)
            let outcome = Simulator(varied(scenario, to: value)).run()
            let trial = trial(value, outcome)
            trials.append(trial)
            if trial.isGood { best = (trial, outcome) }
            return trial.isGood
        }
        var bad = -1
        var good = Int(((to - from) / step).rounded(.up))
        guard isGood(good) else { return (trials, nil, nil) }
        while good - bad > 1 {
            let middle = (good + bad) / 2
            if isGood(middle) { good = middle } else { bad = middle }
        }
        return (trials, best?.trial, best?.outcome)
    }

    private func varied(_ scenario: Scenario, to value: Double) -> Scenario {
        var scenario = scenario
        switch quantity {
        case .count(let index): scenario.fleet[index].count = Int(value.rounded())
        case .repeats(let index): scenario.traffic[index].repeats = .share(value)
        }
        return scenario
    }

    private func trial(_ value: Double, _ outcome: Simulator.Outcome) -> Trial {
        let counts = outcome.report.counts
        let wait = outcome.wait.percentile(aim.percentile)
        let refused = Double(counts.refused + counts.impossible) / Double(max(counts.requests, 1))
        return Trial(
            value: value,
            wait: wait,
            refusedShare: refused,
            utilisation: outcome.report.utilisation,
            generations: counts.generations,
            isGood: wait <= aim.wait && refused <= aim.maxRefusedShare
        )
    }
}
