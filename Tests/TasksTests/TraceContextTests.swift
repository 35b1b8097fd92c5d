import Tasks
import Testing

@Suite("Trace contexts")
struct TraceContextTests {
    private static let trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    private static let span = "00f067aa0ba902b7"

    @Test("A traceparent of version 00 is read and written")
    func version00() throws {
        let text = "00-\(Self.trace)-\(Self.span)-01"
        let context = try #require(TraceContext(parent: text))
        #expect(context.traceID.description == Self.trace && context.spanID.description == Self.span)
        #expect(context.isSampled && context.state == nil && context.parent == text)
        let unsampled = try #require(TraceContext(parent: "00-\(Self.trace)-\(Self.span)-00"))
        #expect(!unsampled.isSampled)
    }

    @Test("Flags that nobody has defined are not passed on")
    func flags() throws {
        let context = try #require(TraceContext(parent: "00-\(Self.trace)-\(Self.span)-ff"))
        #expect(context.isSampled && context.parent.hasSuffix("-01"))
        let other = try #require(TraceContext(parent: "00-\(Self.trace)-\(Self.span)-fe"))
        #expect(!other.isSampled && other.parent.hasSuffix("-00"))
    }

    @Test("A later version is read by what version 00 says, and passed on as 00")
    func laterVersions() throws {
        for text in ["cc-\(Self.trace)-\(Self.span)-01", "cc-\(Self.trace)-\(Self.span)-01-what-the-future-brings"] {
            let context = try #require(TraceContext(parent: text), "\(text)")
            #expect(context.parent == "00-\(Self.trace)-\(Self.span)-01")
        }
        #expect(TraceContext(parent: "cc-\(Self.trace)-\(Self.span)-01.what") == nil)
    }

    @Test(
        "What is malformed is no context",
        arguments: [
            "", "00", "00-\(trace)-\(span)", "00-\(trace)-\(span)-1", "00-\(trace)-\(span)-01-",
            "00-\(trace)-\(span)-01 ",
            "00-\(trace)-\(span)-01-more", "ff-\(trace)-\(span)-01", "0-\(trace)-\(span)-01",
            "00-\(trace.uppercased())-\(span)-01", "00-\(trace)-\(span)-0g", "00_\(trace)_\(span)_01",
            "00-\(String(repeating: "0", count: 32))-\(span)-01", "00-\(trace)-\(String(repeating: "0", count: 16))-01",
            "00-\(trace.dropLast())-\(span)0-01", "é0-\(trace)-\(span)-01",
        ]
    )
    func malformed(_ text: String) {
        #expect(TraceContext(parent: text) == nil)
    }

    @Test(
        "A sound tracestate is kept as it is",
        arguments: [
            "rojo=00f067aa0ba902b7", "a=1,b=2", "a=1 , b=2", "a=1,,b=2", "fw529a3039@dt=FfAAAAAA", "a=b c",
            "0tenant@sys=x", "a=" + String(repeating: "v", count: 256),
            (1...32).map { "k\($0)=v" }.joined(separator: ","),
        ]
    )
    func soundState(_ state: String) throws {
        let context = try #require(TraceContext(parent: "00-\(Self.trace)-\(Self.span)-01", state: state))
        #expect(context.state == state)
        #expect(context.headers.map(\.name) == ["traceparent", "tracestate"] && context.headers.last?.value == state)
    }

    @Test(
        "A tracestate that is malformed or too long is dropped, and the parent stays",
        arguments: [
            "", ",", "a", "a=", "=1", "A=1", "1a=1", "a=1,a=2", "a=b=c", "a@b@c=1", "@b=1", "a@=1", "a=1\n", "a=é",
            "a=" + String(repeating: "v", count: 257), (1...33).map { "k\($0)=v" }.joined(separator: ","),
            String(repeating: "k", count: 257) + "=1",
            (1...3).map { "k\($0)=" + String(repeating: "v", count: 200) }
                .joined(separator: ","),
        ]
    )
    func unsoundState(_ state: String) throws {
        let context = try #require(TraceContext(parent: "00-\(Self.trace)-\(Self.span)-01", state: state))
        #expect(context.state == nil)
    }

    @Test("A child is another span of the same trace")
    func child() throws {
        let context = try #require(TraceContext(parent: "00-\(Self.trace)-\(Self.span)-01", state: "a=1"))
        let child = context.child()
        #expect(child.traceID == context.traceID && child.spanID != context.spanID)
        #expect(child.isSampled && child.state == "a=1")
    }

    @Test("What is stored is read again, and nothing else is")
    func text() throws {
        for state in [nil, "a=1,b=x y"] {
            let context = try #require(TraceContext(parent: "00-\(Self.trace)-\(Self.span)-01", state: state))
            #expect(TraceContext(text: context.text) == context)
        }
        #expect(TraceContext(text: "") == nil && TraceContext(text: "something") == nil)
    }

    @Test("Made names are read again")
    func random() throws {
        for _ in 0..<100 {
            let context = TraceContext(traceID: .random(), spanID: .random(), isSampled: false)
            #expect(TraceContext(parent: context.parent) == context)
        }
        let low = try #require(TraceContext.TraceID(high: 0, low: 1))
        #expect(low.description == String(repeating: "0", count: 31) + "1")
    }
}
