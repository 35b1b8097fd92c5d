/// Which trace something belongs to, and under which span of it: W3C Trace Context.
///
/// It travels with a task from the request that made it to the callback that tells of its end. Parsed by the rules of
/// https://www.w3.org/TR/trace-context/: what is malformed is as if it were not there.
package struct TraceContext: Hashable, Sendable {
    /// The name of a trace: sixteen bytes, not all zero.
    package struct TraceID: Hashable, Sendable, CustomStringConvertible {
        /// The first eight bytes, and the last eight.
        package let high: UInt64
        package let low: UInt64

        /// `nil` for the name that no trace has.
        package init?(high: UInt64, low: UInt64) {
            guard high != 0 || low != 0 else { return nil }
            self.high = high
            self.low = low
        }

        /// A name that no other trace has.
        package static func random() -> TraceID {
            TraceID(unchecked: .random(in: 0 ... .max), .random(in: 1 ... .max))
        }

        private init(unchecked high: UInt64, _ low: UInt64) {
            self.high = high
            self.low = low
        }

        /// 32 digits, lower case.
        package var description: String { high.sixteenDigits + low.sixteenDigits }
    }

    /// The name of a span within its trace: eight bytes, not all zero.
    package struct SpanID: Hashable, Sendable, CustomStringConvertible {
        package let rawValue: UInt64

        /// `nil` for the name that no span has.
        package init?(rawValue: UInt64) {
            guard rawValue != 0 else { return nil }
            self.rawValue = rawValue
        }

        private init(unchecked rawValue: UInt64) {
            self.rawValue = rawValue
        }

        package static func random() -> SpanID {
            SpanID(unchecked: .random(in: 1 ... .max))
        }

        /// 16 digits, lower case.
        package var description: String { rawValue.sixteenDigits }
    }

    /// More of it is dropped, as the specification lets us.
    package static let maxStateBytes = 512

    package let traceID: TraceID
    /// What is above whatever is done in this context.
    package let spanID: SpanID
    /// Whether whoever made the context records the trace.
    package let isSampled: Bool
    /// The `tracestate`, as it came; `nil`: none.
    package let state: String?

    package init(traceID: TraceID, spanID: SpanID, isSampled: Bool, state: String? = nil) {
        self.traceID = traceID
        self.spanID = spanID
        self.isSampled = isSampled
        self.state = state
    }

    /// The context under a span of its own in the same trace.
    package func child(_ spanID: SpanID = .random()) -> TraceContext {
        TraceContext(traceID: traceID, spanID: spanID, isSampled: isSampled, state: state)
    }
}

extension TraceContext {
    /// Reads the fields of a request.
    ///
    /// - Parameters:
    ///   - parent: the `traceparent`. A version above 00 is read by what 00 says of it.
    ///   - state: the `tracestate`; left out if it is malformed or too long, which does not make the parent worse.
    package init?(parent: String, state: String? = nil) {
        let bytes = Array(parent.utf8)
        guard bytes.count >= 55, bytes[2] == UInt8(ascii: "-"), bytes[35] == UInt8(ascii: "-"),
            bytes[52] == UInt8(ascii: "-"),
            let version = bytes[0..<2].hexadecimal, version != 0xFF,
            // Later versions may add fields, behind another dash.
            bytes.count == 55 || version > 0 && bytes[55] == UInt8(ascii: "-"),
            let high = bytes[3..<19].hexadecimal, let low = bytes[19..<35].hexadecimal,
            let traceID = TraceID(high: high, low: low),
            let span = bytes[36..<52].hexadecimal, let spanID = SpanID(rawValue: span),
            let flags = bytes[53..<55].hexadecimal
        else { return nil }
        self.init(
            traceID: traceID,
            spanID: spanID,
            isSampled: flags & 1 == 1,
            state: state.flatMap { TraceState.isSound($0) ? $0 : nil }
        )
    }

    /// The `traceparent`, of version 00.
    package var parent: String {
        "00-\(traceID)-\(spanID)-\(isSampled ? "01" : "00")"
    }

    /// The header fields that pass it on.
    package var headers: [(name: String, value: String)] {
        [("traceparent", parent)] + (state.map { [("tracestate", $0)] } ?? [])
    }
}

extension TraceContext {
    /// The parent and the state in one text.
    package var text: String {
        state.map { "\(parent) \($0)" } ?? parent
    }

    /// Reads `text`; `nil` for anything else.
    package init?(text: String) {
        let parts = text.split(separator: " ", maxSplits: 1).map(String.init)
        guard let parent = parts.first else { return nil }
        self.init(parent: parent, state: parts.count > 1 ? parts[1] : nil)
    }
}

extension UInt64 {
    fileprivate var sixteenDigits: String {
        let digits = String(self, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}

extension ArraySlice<UInt8> {
    /// The number that at most sixteen digits are; capitals are none, by the specification.
    fileprivate var hexadecimal: UInt64? {
        var value: UInt64 = 0
        for byte in self {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): value = value << 4 | UInt64(byte - UInt8(ascii: "0"))
            case UInt8(ascii: "a")...UInt8(ascii: "f"): value = value << 4 | UInt64(byte - UInt8(ascii: "a") + 10)
            default: return nil
            }
        }
        return value
    }
}
