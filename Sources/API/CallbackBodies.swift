package import Foundation
import NIOCore
package import Tasks

/// Writes the bodies of callbacks: an envelope as Standard Webhooks advises, around the task as `GET` shows it.
package struct CallbackBodies: Sendable {
    private let links: LinkSource

    /// - Parameters:
    ///   - settings: whose links the bodies contain.
    ///   - clock: wall time for the links.
    ///   - needsKeys: whether the server asks for keys now.
    package init(
        settings: APISettings,
        clock: any ServiceClock,
        needsKeys: @escaping @Sendable () -> Bool = { false }
    ) {
        links = LinkSource(settings, clock: clock, needsKeys: needsKeys)
    }

    /// JSON with the members `data`, `timestamp` (when the event happened) and `type`.
    package func body(of claimed: ClaimedDelivery) -> Data {
        let delivery = claimed.delivery
        let task = TaskWire(task: claimed.task, origin: delivery.origin, obstacle: nil, links: links.current)
        var json = JSONWriter(capacity: 2048)
        json.object { json in
            json.key("data")
            json.encoded(task.encoded())
            json.key("timestamp")
            json.moment(delivery.createdAt)
            json.key("type")
            json.string(delivery.event.rawValue)
        }
        return Data(json.buffer.readableBytesView)
    }
}
