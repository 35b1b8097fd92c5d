import Foundation
import FoundationXML
import Testing

@testable import Simulation

@Suite("Charts")
struct ChartTests {
    private func chart(_ points: [Chart.Point], x: Chart.Axis.Kind = .duration, y: Chart.Axis.Kind = .number) -> Chart {
        Chart(
            title: "A <title> & \"more\"",
            x: .init("time", x),
            y: .init("value", y),
            lines: [
                .init(label: "one", points: points), .init(label: "two", points: points, isStepped: true),
            ]
        )
    }

    @Test(
        "A chart is well-formed XML, whatever is drawn",
        arguments: [
            [], [Chart.Point(0, 0)], [Chart.Point(0, 1), Chart.Point(1e9, 1e12)], [Chart.Point(5, .infinity)],
            [Chart.Point(.nan, .nan)], [Chart.Point(0.001, 0.000_1), Chart.Point(0.002, 0.000_3)],
        ])
    func wellFormed(points: [Chart.Point]) throws {
        for kind in [Chart.Axis.Kind.duration, .logDuration, .number, .share] {
            let svg = chart(points, x: kind, y: kind).svg
            let document = try XMLDocument(xmlString: svg)
            #expect(document.rootElement()?.name == "svg")
            #expect(!svg.contains("nan"))
            #expect(!svg.contains("inf"))
        }
    }

    @Test("Everything is drawn inside the frame")
    func bounds() throws {
        let svg = chart((0..<100).map { Chart.Point(Double($0) * 1000, Double($0 * $0)) }).svg
        for match in svg.matches(of: #/[ML]([0-9.]+) ([0-9.]+)/#) {
            let (x, y) = (try #require(Double(match.1)), try #require(Double(match.2)))
            #expect((72...736).contains(x))
            #expect((72...284).contains(y))
        }
    }

    @Test(
        "Axes have few round marks in a unit that suits them",
        arguments: [
            (7.0, "4 s"), (100, "50 s"), (1800, "10 min"), (20_000, "3 h"), (604_800, "4 d"),
        ])
    func durations(end: Double, mark: String) {
        let scale = Scale(.init("time", .duration), greatest: end, count: 4)
        #expect((2...8).contains(scale.ticks.count))
        #expect(scale.ticks.map(\.text).contains(mark), "\(scale.ticks.map(\.text))")
        #expect(scale.ticks.allSatisfy { $0.value <= scale.highest * 1.000_001 })
    }

    @Test("A chart reads well in the light and in the dark, and takes nothing from elsewhere")
    func style() {
        let svg = chart([Chart.Point(0, 0), Chart.Point(1, 1)]).svg
        #expect(svg.contains("prefers-color-scheme: dark"))
        #expect(!svg.contains("href"))
        #expect(!svg.contains("url("))
    }
}
