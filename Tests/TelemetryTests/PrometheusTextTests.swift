import Testing

@testable import Telemetry

struct PrometheusTextTests {
    @Test(
        "Numbers are written as Prometheus reads them",
        arguments: [
            (0, "0"), (1, "1"), (-2, "-2"), (0.5, "0.5"), (1e-9, "1e-09"), (1e15, "1000000000000000"),
            (1e300, "1e+300"), (.infinity, "+Inf"), (-.infinity, "-Inf"), (.nan, "NaN"),
        ] as [(Double, String)]
    )
    func numbers(value: Double, text: String) {
        #expect(PrometheusText.number(value) == text)
    }

    @Test("What would end a label or a line is escaped")
    func escaping() {
        let metric = MetricSnapshot(
            description: MetricDescription("m", .gauge, "A \"b\"\n\\c.", labels: ["l"]),
            series: [.init(labels: ["x\\y\"z\n猫"], value: .number(.nan))]
        )
        let expected = #"""
            # HELP m A "b"\n\\c.
            # TYPE m gauge
            m{l="x\\y\"z\n猫"} NaN

            """#
        #expect(PrometheusText.text([metric]) == expected)
    }
}
