import HTTPTypes
import Synchronization

/// The name of one request, in its response and in the log.
struct RequestID: Sendable, CustomStringConvertible {
    let description: String

    /// Takes the client's `X-Request-ID` if it is 1 to 128 of `A-Z a-z 0-9 . _ -`, and makes one otherwise.
    init(_ headers: HTTPFields) {
        if let given = headers[.requestID], (1...128).contains(given.utf8.count), given.utf8.allSatisfy(Self.isAllowed)
        {
            description = given
        } else {
            self = .made()
        }
    }

    private init(description: String) {
        self.description = description
    }

    /// A name that no other request of this process has.
    static func made() -> RequestID {
        let number = counter.wrappingAdd(1, ordering: .relaxed).newValue
        return RequestID(description: "\(process)-\(String(number, radix: 16))")
    }

    private static let counter = Atomic<UInt64>(0)
    private static let process = String(UInt32.random(in: 0x1000_0000...0xFFFF_FFFF), radix: 16)

    private static func isAllowed(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
            true
        default:
            false
        }
    }
}
