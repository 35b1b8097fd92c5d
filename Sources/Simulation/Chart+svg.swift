import Foundation

extension Chart {
    /// The picture as SVG: nothing from elsewhere, light or dark as the reader's screen is.
    package var svg: String {
        Drawing(chart: self).text
    }

    /// One chart being drawn.
    private struct Drawing {
        let chart: Chart
        let x: Scale
        let y: Scale
        /// Pixels.
        private let width = 760.0
        private let height = 340.0
        private let left = 72.0
        private let right = 24.0
        private let top = 72.0
        private let bottom = 56.0

        init(chart: Chart) {
            var chart = chart
            for index in chart.lines.indices {
                chart.lines[index].points.removeAll { !$0.x.isFinite || !$0.y.isFinite }
            }
            self.chart = chart
            let points = chart.lines.flatMap(\.points)
            x = Scale(chart.x, greatest: points.map(\.x).max() ?? 0, count: 7)
            y = Scale(chart.y, greatest: points.map(\.y).max() ?? 0, count: 4)
        }

        var text: String {
            let parts =
                [Self.style, title, grid, xAxis] + chart.lines.enumerated().map { line($1, index: $0) } + [legend]
            return """
                <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(number(width)) \(number(height))" \
                width="\(number(width))" height="\(number(height))" role="img" aria-label="\(Self.escaped(chart.title))">
                \(parts.joined(separator: "\n"))
                </svg>

                """
        }

        /// The colours are those of Okabe and Ito (2008), told apart by the colour-blind too, a little lighter in the dark.
        private static let style = """
            <style>
            svg { --paper: #ffffff; --ink: #1c1c1c; --quiet: #5c5c5c; --grid: #e2e2e2;
              --c0: #0072b2; --c1: #d55e00; --c2: #009e73; --c3: #b0599a; --c4: #a88400; --c5: #3d8fc2;
              font-family: system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
            @media (prefers-color-scheme: dark) {
              svg { --paper: #161616; --ink: #ececec; --quiet: #a6a6a6; --grid: #363636;
                --c0: #56a9e0; --c1: #f08a4b; --c2: #35c79a; --c3: #da8fc4; --c4: #e0bd3f; --c5: #9ad0f2; } }
            .paper { fill: var(--paper); } .title { fill: var(--ink); font-size: 16px; font-weight: 600; }
            .label, .tick { fill: var(--quiet); font-size: 12px; } .legend { fill: var(--ink); font-size: 12px; }
            .grid { stroke: var(--grid); stroke-width: 1; } .line { fill: none; stroke-width: 2; stroke-linejoin: round; }
            .area { opacity: 0.25; stroke: none; }
            </style>
            """

        private var title: String {
            """
            <rect class="paper" width="100%" height="100%"/>
            <text class="title" x="16" y="26">\(Self.escaped(chart.title))</text>
            <text class="label" x="16" y="\(number(top - 10))">\(Self.escaped(chart.y.label))</text>
            """
        }

        private var grid: String {
            y.ticks.map { tick in
                let place = yPlace(tick.value)
                return """
                    <line class="grid" x1="\(number(left))" y1="\(place)" x2="\(number(width - right))" y2="\(place)"/>
                    <text class="tick" x="\(number(left - 8))" y="\(place)" dy="4" text-anchor="end">\
                    \(Self.escaped(tick.text))</text>
                    """
            }.joined(separator: "\n")
        }

        private var xAxis: String {
            let base = height - bottom
            let ticks = x.ticks.map { tick in
                let place = xPlace(tick.value)
                return """
                    <line class="grid" x1="\(place)" y1="\(number(base))" x2="\(place)" y2="\(number(base + 5))"/>
                    <text class="tick" x="\(place)" y="\(number(base + 19))" text-anchor="middle">\
                    \(Self.escaped(tick.text))</text>
                    """
            }
            let label = """
                <text class="label" x="\(number((left + width - right) / 2))" y="\(number(height - 12))" \
                text-anchor="middle">\(Self.escaped(chart.x.label))</text>
                """
            return (ticks + [label]).joined(separator: "\n")
        }

        private func line(_ line: Line, index: Int) -> String {
            guard let first = line.points.first, let last = line.points.last else { return "" }
            var path = "M\(xPlace(first.x)) \(yPlace(first.y))"
            for point in line.points.dropFirst() {
                let (x, y) = (xPlace(point.x), yPlace(point.y))
                path += line.isStepped ? "H\(x)V\(y)" : "L\(x) \(y)"
            }
            let colour = "var(--c\(index % 6))"
            let stroke = "<path class=\"line\" style=\"stroke: \(colour)\" d=\"\(path)\"/>"
            guard line.isStepped else { return stroke }
            let base = yPlace(0)
            let area = "\(path)L\(xPlace(last.x)) \(base)L\(xPlace(first.x)) \(base)Z"
            return "<path class=\"area\" style=\"fill: \(colour)\" d=\"\(area)\"/>\n" + stroke
        }

        /// One entry for each line, if there is more than one.
        private var legend: String {
            guard chart.lines.count > 1 else { return "" }
            var place = width - right
            var entries: [String] = []
            for (index, line) in chart.lines.enumerated().reversed() {
                // A guess at the width of the text, with room to spare: nothing here measures letters.
                place -= Double(line.label.count) * 7 + 30
                entries.append(
                    """
                    <rect x="\(number(place))" y="41" width="14" height="4" style="fill: var(--c\(index % 6))"/>
                    <text class="legend" x="\(number(place + 19))" y="47">\(Self.escaped(line.label))</text>
                    """
                )
            }
            return entries.joined(separator: "\n")
        }

        private func xPlace(_ value: Double) -> String {
            number(left + x.place(value) * (width - left - right))
        }

        private func yPlace(_ value: Double) -> String {
            number(height - bottom - y.place(value) * (height - top - bottom))
        }

        private func number(_ number: Double) -> String {
            String(format: "%g", (number * 10).rounded() / 10)
        }

        private static func escaped(_ text: String) -> String {
            text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing("\"", with: "&quot;")
        }
    }
}
