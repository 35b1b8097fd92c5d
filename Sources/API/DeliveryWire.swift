import NIOCore
import Tasks

/// A delivery as clients see it.
///
/// Every field is always there; what has no value is `null`.
struct DeliveryWire {
    let delivery: Delivery
    /// What stands in front of our paths.
    let origin: String
    /// Whether it says whose it is: a member more.
    var showsOwner = false

    /// The body, keys sorted.
    func write(to json: inout JSONWriter) {
        json.object { json in
            json.key("attempts")
            json.number(delivery.attempts)
            json.key("created_at")
            json.moment(delivery.createdAt)
            json.key("delivery_id")
            json.string(delivery.id.description)
            json.key("ended_at")
            json.moment(delivery.endedAt)
            json.key("error")
            json.reason(delivery.status == .delivered ? nil : delivery.failure.map { ($0.code, $0.message) })
            json.key("event")
            json.string(delivery.event.rawValue)
            json.key("next_attempt_at")
            json.moment(delivery.nextAttemptAt)
            json.key("response_status")
            json.optional(delivery.lastResponse) { json, status in json.number(status) }
            json.key("status")
            json.string(delivery.status.rawValue.uppercased())
            json.key("task_id")
            json.string(delivery.id.task.description)
            json.key("task_url")
            json.string(origin + RoutePath.task(delivery.id.task.description))
            if showsOwner {
                json.key("tenant")
                json.string(delivery.tenant.rawValue)
            }
            json.key("url")
            json.string(delivery.url.text)
        }
    }
}
