package import Foundation
import Tasks
import Tracing

/// Spans in the form of the OpenTelemetry protocol: the JSON of `ExportTraceServiceRequest`.
///
/// Names in lower camel case, ids in hexadecimal, 64-bit integers as strings, enumerations as numbers.
package enum OTLPTraces {
    /// Writes spans of one process.
    ///
    /// - Parameters:
    ///   - spans: those that have ended.
    ///   - resource: what the process is, by the names of the semantic conventions.
    ///   - version: of this program.
    /// - Returns: the body of a request.
    /// - Throws: what `JSONEncoder` says; nothing that a span may hold makes it.
    package static func body(of spans: [SpanRecord], resource: [String: String], version: String) throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
        let scope = Request.Scope(name: "animato", version: version)
        let group = Request.ScopeSpans(scope: scope, spans: spans.map(Request.Span.init))
        let attributes = resource.sorted { $0.key < $1.key }.map { KeyValue(key: $0.key, value: .string($0.value)) }
        return try encoder.encode(
            Request(resourceSpans: [.init(resource: .init(attributes: attributes), scopeSpans: [group])])
        )
    }

    fileprivate struct Request: Encodable {
        struct ResourceSpans: Encodable {
            var resource: Resource
            var scopeSpans: [ScopeSpans]
        }

        struct Resource: Encodable {
            var attributes: [KeyValue]
        }

        struct ScopeSpans: Encodable {
            var scope: Scope
            var spans: [Span]
        }

        struct Scope: Encodable {
            var name: String
            var version: String
        }

        struct Span: Encodable {
            var traceId: String
            var spanId: String
            var traceState: String?
            var parentSpanId: String?
            var flags: Int
            var name: String
            var kind: Int
            var startTimeUnixNano: String
            var endTimeUnixNano: String
            var attributes: [KeyValue]
            var events: [Event]
            var links: [Link]
            var status: Status
        }

        struct Event: Encodable {
            var timeUnixNano: String
            var name: String
            var attributes: [KeyValue]
        }

        struct Link: Encodable {
            var traceId: String
            var spanId: String
            var traceState: String?
            var flags: Int
            var attributes: [KeyValue]
        }

        struct Status: Encodable {
            var code: Int
            var message: String?
        }

        var resourceSpans: [ResourceSpans]
    }

    fileprivate struct KeyValue: Encodable {
        var key: String
        var value: AnyValue
    }

    fileprivate enum AnyValue: Encodable {
        case string(String)
        case bool(Bool)
        case int(Int64)
        case double(Double)
        case array([AnyValue])

        private enum CodingKeys: String, CodingKey {
            case stringValue
            case boolValue
            case intValue
            case doubleValue
            case arrayValue
        }

        private enum ArrayKeys: String, CodingKey {
            case values
        }

        func encode(to encoder: any Encoder) throws {
            var fields = encoder.container(keyedBy: CodingKeys.self)
            switch self {
            case .string(let value): try fields.encode(value, forKey: .stringValue)
            case .bool(let value): try fields.encode(value, forKey: .boolValue)
            case .int(let value): try fields.encode(String(value), forKey: .intValue)
            case .double(let value): try fields.encode(value, forKey: .doubleValue)
            case .array(let values):
                var array = fields.nestedContainer(keyedBy: ArrayKeys.self, forKey: .arrayValue)
                try array.encode(values, forKey: .values)
            }
        }
    }
}

extension OTLPTraces.Request.Span {
    fileprivate init(_ span: SpanRecord) {
        self.init(
            traceId: span.context.traceID.description,
            spanId: span.context.spanID.description,
            traceState: span.context.state,
            parentSpanId: span.parent?.description,
            flags: span.context.isSampled ? 1 : 0,
            name: span.name,
            kind: span.kind.number,
            startTimeUnixNano: String(span.start),
            endTimeUnixNano: String(span.end),
            attributes: span.attributes.pairs,
            events: span.events.map {
                .init(timeUnixNano: String($0.at), name: $0.name, attributes: $0.attributes.pairs)
            },
            links: span.links.map {
                .init(
                    traceId: $0.context.traceID.description,
                    spanId: $0.context.spanID.description,
                    traceState: $0.context.state,
                    flags: $0.context.isSampled ? 1 : 0,
                    attributes: $0.attributes.pairs
                )
            },
            status: span.status.map { .init(code: $0.number, message: $0.message) } ?? .init(code: 0)
        )
    }
}

extension SpanKind {
    /// As the protocol counts them.
    fileprivate var number: Int {
        switch self {
        case .internal: 1
        case .server: 2
        case .client: 3
        case .producer: 4
        case .consumer: 5
        }
    }
}

extension SpanStatus {
    fileprivate var number: Int {
        switch code {
        case .ok: 1
        case .error: 2
        }
    }
}

extension SpanAttributes {
    /// In the order of their names.
    fileprivate var pairs: [OTLPTraces.KeyValue] {
        var pairs: [OTLPTraces.KeyValue] = []
        forEach { name, value in pairs.append(.init(key: name, value: .init(value))) }
        return pairs.sorted { $0.key < $1.key }
    }
}

extension OTLPTraces.AnyValue {
    fileprivate init(_ value: SpanAttribute) {
        switch value {
        case .int32(let value): self = .int(Int64(value))
        case .int64(let value): self = .int(value)
        case .double(let value): self = .double(value)
        case .bool(let value): self = .bool(value)
        case .string(let value): self = .string(value)
        case .stringConvertible(let value): self = .string("\(value)")
        case .int32Array(let values): self = .array(values.map { .int(Int64($0)) })
        case .int64Array(let values): self = .array(values.map { .int($0) })
        case .doubleArray(let values): self = .array(values.map { .double($0) })
        case .boolArray(let values): self = .array(values.map { .bool($0) })
        case .stringArray(let values): self = .array(values.map { .string($0) })
        case .stringConvertibleArray(let values): self = .array(values.map { .string("\($0)") })
        default: self = .string("")
        }
    }
}
