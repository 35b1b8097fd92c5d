import Foundation
import Tasks
import Testing
import Tracing

@testable import Telemetry

@Suite("The OpenTelemetry protocol")
struct OTLPTests {
    private static let wire = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Wire")

    @Test("Spans are written as they are in the file")
    func encoding() throws {
        let context = try #require(
            TraceContext(parent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", state: "a=1"))
        let other = try #require(TraceContext(parent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"))
        let full = SpanRecord(
            name: "attempt",
            kind: .internal,
            context: context,
            parent: TraceContext.SpanID(rawValue: 0xABCD),
            start: 1_767_225_600_000_000_000,
            end: 1_767_225_601_500_000_000,
            attributes: [
                "animato.attempt": .int64(9_007_199_254_740_993), "text": .string("猫 \"/\n"), "share": .double(0.5),
                "odd": .double(.nan), "yes": .bool(true), "list": .stringArray(["a", "b"]), "small": .int32(-1),
            ],
            events: [
                .init(name: "exception", at: 1_767_225_601_000_000_000, attributes: ["exception.type": .string("E")])
            ],
            links: [.init(context: other, attributes: ["animato.link": .string("joined")])],
            status: SpanStatus(code: .error, message: "out_of_memory")
        )
        let plain = SpanRecord(
            name: "POST /api/v1/generate",
            kind: .server,
            context: other,
            parent: nil,
            start: 1,
            end: 2,
            attributes: [:],
            events: [],
            links: []
        )
        let body = try OTLPTraces.body(
            of: [full, plain],
            resource: ["service.name": "animato", "service.version": "1"],
            version: "1"
        )
        let expected = try JSONSerialization.jsonObject(
            with: Data(contentsOf: Self.wire.appending(path: "traces.json")))
        let written = try JSONSerialization.jsonObject(with: body)
        #expect((written as? NSDictionary) == (expected as? NSDictionary), "\(String(decoding: body, as: UTF8.self))")
    }

    @Test("Kinds are counted as the protocol counts them")
    func kinds() throws {
        let context = try #require(TraceContext(parent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"))
        for (kind, number) in [(SpanKind.internal, 1), (.server, 2), (.client, 3), (.producer, 4), (.consumer, 5)] {
            let span = SpanRecord(
                name: "a", kind: kind, context: context, parent: nil, start: 0, end: 0, attributes: [:], events: [],
                links: [])
            let body = String(decoding: try OTLPTraces.body(of: [span], resource: [:], version: "1"), as: UTF8.self)
            #expect(body.contains("\"kind\":\(number),"))
        }
    }

    @Test("What a collector cannot take now is sent again, later and later, and what it never takes is not")
    func policy() {
        let policy = OTLPDeliveryPolicy(delays: [.seconds(1), .seconds(2)], maxRetryAfter: .seconds(60))
        #expect(policy.decision(after: .status(200, retryAfter: nil), attempts: 1) == .sent)
        #expect(policy.decision(after: .status(503, retryAfter: nil), attempts: 1) == .retry(after: .seconds(1)))
        #expect(policy.decision(after: .none, attempts: 2) == .retry(after: .seconds(2)))
        #expect(
            policy.decision(after: .status(429, retryAfter: .seconds(9)), attempts: 1) == .retry(after: .seconds(9)))
        #expect(
            policy.decision(after: .status(429, retryAfter: .seconds(900)), attempts: 1) == .retry(after: .seconds(60)))
        #expect(policy.decision(after: .status(500, retryAfter: .zero), attempts: 2) == .retry(after: .seconds(2)))
        #expect(policy.decision(after: .status(503, retryAfter: nil), attempts: 3) == .drop)
        for status in [301, 400, 401, 404, 413] {
            #expect(policy.decision(after: .status(status, retryAfter: .seconds(1)), attempts: 1) == .drop)
        }
    }

    @Test("A header is a name and a value, and nothing that could be two")
    func headers() {
        let header = OTLPHeader("Authorization=Bearer a=b")
        #expect(header?.name == "authorization" && header?.value == "Bearer a=b")
        for text in ["", "a", "=a", "a=", "a b=c", "a=b\r\nc: d", "a=é", "a:b=c"] { #expect(OTLPHeader(text) == nil) }
    }
}
