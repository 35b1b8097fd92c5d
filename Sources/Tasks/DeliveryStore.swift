/// The outbox of callbacks, kept by the task store.
///
/// A delivery is written in the transaction that changes its task. `DeliveryStoreConformance` in the test support is the
/// precise form of this contract.
package protocol DeliveryStore: Sendable {
    /// Takes deliveries that are due.
    ///
    /// First from receivers that have the fewest under way, among those in turn, and of each the longest due: however
    /// much waits for one receiver, the others get theirs.
    ///
    /// Of one task, an event is only taken when every earlier one is delivered, dead or superseded. What is taken and not
    /// concluded within the claim's duration is due again.
    func claimDeliveries(_ claim: DeliveryClaim) async throws(TaskStoreError) -> [ClaimedDelivery]

    /// Records how an attempt went.
    ///
    /// - Throws: `leaseLost` if the claim ran out and another was made, and then nothing has changed.
    func conclude(_ delivery: ClaimedDelivery, with outcome: DeliveryOutcome) async throws(TaskStoreError)

    /// When the next delivery becomes due; `nil` if none waits.
    ///
    /// A moment that is past means that one is due, though its receiver may be at its limit.
    func nextDelivery() async throws(TaskStoreError) -> Timestamp?

    /// Gives a sign whenever a delivery may have become due through something that this process wrote.
    ///
    /// Signs that are not read in time become one.
    func newDeliveries() -> AsyncStream<Void>

    /// A page of deliveries, newest first.
    func deliveries(matching query: DeliveryQuery) async throws(TaskStoreError) -> DeliveryPage

    /// Makes a delivery due now, with all its attempts before it, unless it waits already.
    ///
    /// - Returns: the delivery, or `nil` if this tenant has none of that id.
    func redeliver(_ id: DeliveryID, of tenant: TenantID) async throws(TaskStoreError) -> Delivery?
}

/// How much a sender takes.
package struct DeliveryClaim: Sendable {
    /// Deliveries, at most.
    package var limit: Int
    /// Deliveries to one receiver that may be under way at a time.
    package var receiverLimit: Int
    /// Deliveries that the sender has under way, by `CallbackURL.receiver`.
    package var underWay: [String: Int]
    /// Until the attempt must have been concluded.
    package var duration: Duration

    package init(limit: Int, receiverLimit: Int, underWay: [String: Int], duration: Duration) {
        self.limit = limit
        self.receiverLimit = receiverLimit
        self.underWay = underWay
        self.duration = duration
    }
}

/// A delivery to be sent now.
package struct ClaimedDelivery: Sendable, Equatable {
    package var delivery: Delivery
    /// As it is now.
    package var task: GenerationTask
    /// Rises with every claim of this delivery.
    package var fence: Int64

    package init(delivery: Delivery, task: GenerationTask, fence: Int64) {
        self.delivery = delivery
        self.task = task
        self.fence = fence
    }
}

/// How an attempt to deliver went.
package enum DeliveryOutcome: Sendable, Equatable {
    case delivered(response: Int)
    /// Again after a delay. News that has been superseded meanwhile is not sent again.
    case retry(after: Duration, response: Int?, TaskFailure)
    case dead(response: Int?, TaskFailure)
}

/// Which deliveries to list.
package struct DeliveryQuery: Sendable {
    /// `nil`: those of every tenant.
    package var tenant: TenantID?
    package var status: DeliveryStatus?
    package var task: TaskID?
    /// Only those with a smaller number.
    package var before: Int64?
    package var limit: Int

    package init(
        tenant: TenantID?,
        status: DeliveryStatus? = nil,
        task: TaskID? = nil,
        before: Int64? = nil,
        limit: Int
    ) {
        self.tenant = tenant
        self.status = status
        self.task = task
        self.before = before
        self.limit = limit
    }
}

/// A page of deliveries.
package struct DeliveryPage: Sendable, Equatable {
    package var deliveries: [Delivery]
    /// `before` of the next page; `nil` if this is the last.
    package var next: Int64?

    package init(deliveries: [Delivery], next: Int64?) {
        self.deliveries = deliveries
        self.next = next
    }
}
