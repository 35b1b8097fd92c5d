/// A picture of lines over a common axis, to be written as SVG.
///
/// Plain data: what is drawn, not how.
package struct Chart: Sendable, Equatable {
    package var title: String
    package var x: Axis
    package var y: Axis
    package var lines: [Line]

    package init(title: String, x: Axis, y: Axis, lines: [Line]) {
        self.title = title
        self.x = x
        self.y = y
        self.lines = lines
    }

    package struct Axis: Sendable, Equatable {
        package var label: String
        package var kind: Kind
        /// The greatest value that is surely on the axis; `nil`: the greatest that a line has.
        package var end: Double?

        package init(_ label: String, _ kind: Kind, end: Double? = nil) {
            self.label = label
            self.kind = kind
            self.end = end
        }

        package enum Kind: Sendable, Equatable {
            case number
            /// 0 to 1, written as 0 % to 100 %.
            case share
            /// Seconds, written in a unit that suits them.
            case duration
            /// Seconds from a second on, each power of ten as wide as the next.
            case logDuration
        }
    }

    package struct Line: Sendable, Equatable {
        package var label: String
        package var points: [Point]
        /// Whether a value holds until the next point, and the area below is filled.
        package var isStepped: Bool

        package init(label: String, points: [Point], isStepped: Bool = false) {
            self.label = label
            self.points = points
            self.isStepped = isStepped
        }
    }

    package struct Point: Sendable, Equatable {
        package var x: Double
        package var y: Double

        package init(_ x: Double, _ y: Double) {
            self.x = x
            self.y = y
        }
    }
}
