import Foundation
import Tasks

/// The keys of the store, without its prefix, and the members of its indexes.
///
/// Ids are in their bytes: they are shorter so, and in the order of creation.
enum Names {
    // MARK: Records

    static func generation(_ id: GenerationID) -> Bytes { "g:" + id.bytes }
    static func task(_ id: TaskID) -> Bytes { "t:" + Bytes(id.bytes) }
    static func answer(_ key: GenerationKey) -> Bytes { "a:" + Bytes(key.rawValue.utf8) }
    static func delivery(_ number: Int64) -> Bytes { "d:" + number.bytes }
    static func upload(_ id: MediaID, of tenant: TenantID) -> Bytes { "u:" + pair(tenant, media(id)) }
    static func key(_ id: KeyID) -> Bytes { "k:" + Bytes(id.rawValue.utf8) }
    static func idempotency(_ key: String, of tenant: TenantID) -> Bytes { "i:" + pair(tenant, Bytes(key.utf8)) }

    // MARK: Generations

    /// Those that wait.
    static let queued: Bytes = "gq" + []
    /// Those that run, by the end of their leases.
    static let leases: Bytes = "gl" + []
    /// By their videos.
    static let videos: Bytes = "gv" + []
    /// Those that may be in nobody's use.
    static let unused: Bytes = "gu" + []
    /// How many tasks each has.
    static let uses: Bytes = "gn" + []
    /// How many of a tenant run.
    static let running: Bytes = "gr" + []
    /// How many of a tenant may run.
    static let runningLimits: Bytes = "gx" + []
    /// Predicted milliseconds of what waits and runs of a tenant.
    static let outstanding: Bytes = "go" + []
    /// How many generations that have not ended need a file.
    static let media: Bytes = "gm" + []

    /// The tasks that wait for a generation.
    static func waiters(_ id: GenerationID) -> Bytes { "w:" + id.bytes }

    // MARK: Tasks

    static func tasks(_ status: TaskStatus) -> Bytes { "ts" + [letter(status)] }
    static func tasks(of tenant: TenantID, _ status: TaskStatus) -> Bytes {
        "tt" + [letter(status)] + Bytes(tenant.rawValue.utf8)
    }
    /// Those that can be purged, by their ends.
    static let finished: Bytes = "tf" + []
    /// Those that were taken out of sight and can be purged.
    static let removed: Bytes = "tx" + []
    /// How many tasks of a tenant wait.
    static let waitingTasks: Bytes = "tw" + []
    /// How many run.
    static let runningTasks: Bytes = "tr" + []
    /// Whose succeeded tasks a generation has.
    static let owners: Bytes = "to" + []
    /// Milliseconds of device time of each tenant in a day.
    static func usage(_ day: Int64) -> Bytes { "us" + day.bytes }
    static let usageDays: Bytes = "ud" + []

    /// The field of `owners`.
    static func owner(_ tenant: TenantID, of generation: GenerationID) -> Bytes {
        generation.bytes + Bytes(tenant.rawValue.utf8)
    }

    // MARK: Everything else

    static func deliveries(_ status: DeliveryStatus) -> Bytes { "ds" + [letter(status)] }
    static func deliveries(of tenant: TenantID, _ status: DeliveryStatus) -> Bytes {
        "dt" + [letter(status)] + Bytes(tenant.rawValue.utf8)
    }
    static func deliveries(of task: TaskID) -> Bytes { "dk" + Bytes(task.bytes) }
    /// What a receiver is to get, by when.
    static func due(_ receiver: String) -> Bytes { "dr" + Bytes(receiver.utf8) }
    static let endedDeliveries: Bytes = "de" + []
    static let deliveryNumber: Bytes = "dn" + []
    /// Receivers that something is pending for, by when their turn is.
    static let receivers: Bytes = "dw" + []

    static func uploads(of tenant: TenantID) -> Bytes { "un" + Bytes(tenant.rawValue.utf8) }
    static let uploadNumber: Bytes = "uc" + []
    static let uploadExpiry: Bytes = "ux" + []
    static func uploadExpiry(of tenant: TenantID) -> Bytes { "uy" + Bytes(tenant.rawValue.utf8) }
    static func uploads(of media: MediaID) -> Bytes { "um" + Names.media(media) }
    static let uploadedBytes: Bytes = "ub" + []

    static let keys: Bytes = "kn" + []
    static let keyNumber: Bytes = "kc" + []
    static let idempotencyAges: Bytes = "ia" + []
    static let generationNumber: Bytes = "gc" + []
    static let events: Bytes = "ev" + []
    /// Events up to this one are gone.
    static let eventsGone: Bytes = "eg" + []
    static let log: Bytes = "lg" + []
    static let logNumber: Bytes = "ln" + []
    /// The name of the transaction that wrote the last entry of the log.
    static let logToken: Bytes = "lt" + []
    /// When a receiver was last served.
    static let served: Bytes = "dv" + []

    static func pair(_ tenant: TenantID, _ rest: Bytes) -> Bytes {
        let tenant = Bytes(tenant.rawValue.utf8)
        return UInt16(truncatingIfNeeded: tenant.count).bytes + tenant + rest
    }

    /// The tenant of a pair.
    static func tenant(ofPair pair: Bytes) -> TenantID? {
        guard pair.count >= 2 else { return nil }
        let count = Int(pair[0]) << 8 | Int(pair[1])
        guard pair.count >= 2 + count else { return nil }
        return TenantID(rawValue: String(decoding: pair[2..<(2 + count)], as: UTF8.self))
    }

    /// The thirty-two bytes of a hash.
    static func media(_ id: MediaID) -> Bytes { hash(id.hex) }

    /// A hash in hexadecimal digits by its bytes; what is none by its characters.
    static func hash(_ text: String) -> Bytes {
        let digits = Bytes(text.utf8)
        guard digits.count == 64 else { return [0] + digits }
        var bytes: Bytes = [1]
        for index in stride(from: 0, to: 64, by: 2) {
            guard let high = nibble(digits[index]), let low = nibble(digits[index + 1]) else { return [0] + digits }
            bytes.append(high << 4 | low)
        }
        return bytes
    }

    /// What `hash` has made.
    static func text(ofHash bytes: some Collection<UInt8>) -> String {
        guard bytes.first == 1 else { return String(decoding: bytes.dropFirst(), as: UTF8.self) }
        let digits = Bytes("0123456789abcdef".utf8)
        return String(
            decoding: bytes.dropFirst().flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] },
            as: UTF8.self
        )
    }

    private static func nibble(_ digit: UInt8) -> UInt8? {
        switch digit {
        case 48...57: digit - 48
        case 97...102: digit - 87
        default: nil
        }
    }

    private static func letter(_ status: TaskStatus) -> UInt8 {
        switch status {
        case .queued: UInt8(ascii: "q")
        case .running: UInt8(ascii: "r")
        case .succeeded: UInt8(ascii: "s")
        case .failed: UInt8(ascii: "f")
        case .cancelled: UInt8(ascii: "c")
        }
    }

    private static func letter(_ status: DeliveryStatus) -> UInt8 {
        switch status {
        case .pending: UInt8(ascii: "p")
        case .delivered: UInt8(ascii: "d")
        case .dead: UInt8(ascii: "x")
        case .superseded: UInt8(ascii: "s")
        }
    }
}

private func + (name: String, rest: Bytes) -> Bytes { Bytes(name.utf8) + rest }
