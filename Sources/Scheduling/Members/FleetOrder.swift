import Foundation
import Tasks

/// What one process tells the others to do with devices.
enum FleetOrder {
    /// Whether the whole deployment starts work; the last one counts, also for processes that come later.
    static let drainTopic = "fleet.drain"
    /// What is to be done with one device, by the process that has it.
    static let deviceTopic = "fleet.orders"
    /// Orders for a process that is not there any more are of no use to those who come later.
    static let keptOrders = 16

    static let currentFormat = 1

    struct Drain: Codable, Sendable, Equatable {
        var format = FleetOrder.currentFormat
        var isDraining: Bool
    }

    struct Device: Codable, Sendable, Equatable {
        enum Action: String, Codable, Sendable {
            case drain
            case resume
            case unload
        }

        var format = FleetOrder.currentFormat
        var member: String
        var device: String
        var action: Action
    }

    static func encoded(_ order: some Encodable) -> [UInt8] {
        // Of strings and truth values only: nothing of it can fail to be written.
        (try? JSONEncoder().encode(order)).map(Array.init) ?? []
    }

    /// `nil` for what is damaged or of another format.
    static func drain(reading bytes: [UInt8]) -> Drain? {
        let order = try? JSONDecoder().decode(Drain.self, from: Data(bytes))
        return order?.format == currentFormat ? order : nil
    }

    /// `nil` for what is damaged or of another format.
    static func device(reading bytes: [UInt8]) -> Device? {
        let order = try? JSONDecoder().decode(Device.self, from: Data(bytes))
        return order?.format == currentFormat ? order : nil
    }
}
