/// What the processes of one deployment say to each other beside the work itself.
///
/// `CoordinationConformance` in the test support is the precise form of this contract.
package protocol Coordination: Sendable {
    /// Says that a process is there and what it has, in place of what it said before.
    ///
    /// - Parameters:
    ///   - member: the process.
    ///   - lifetime: forgotten after so long unless it is said again.
    /// - Throws: `unavailable`, `overloaded`.
    func announce(_ member: Member, for lifetime: Duration) async throws(TaskStoreError)

    /// Forgets a process that ends.
    func withdraw(_ id: WorkerID) async throws(TaskStoreError)

    /// Every process that is there, in the order of their ids.
    func members() async throws(TaskStoreError) -> [Member]

    /// Takes, or keeps, a duty that only one process has at a time.
    ///
    /// - Parameters:
    ///   - duty: its name.
    ///   - id: who asks.
    ///   - duration: until it is free for others, unless it is kept before.
    /// - Returns: whether the duty is this process's for that long.
    /// - Throws: `unavailable`, `overloaded`.
    func lead(_ duty: String, as id: WorkerID, for duration: Duration) async throws(TaskStoreError) -> Bool

    /// The value that all processes use for a name: the first that was ever proposed.
    func agree(on name: String, proposing value: [UInt8]) async throws(TaskStoreError) -> [UInt8]

    /// Tells every process something.
    ///
    /// - Parameters:
    ///   - message: at most 1 MiB.
    ///   - topic: what it is about.
    ///   - keeping: so many messages of the topic are kept, about, for those who come later.
    /// - Throws: `unavailable`, `overloaded`.
    func post(_ message: [UInt8], to topic: String, keeping: Int) async throws(TaskStoreError)

    /// What is told about a topic, by whichever process: first what was kept, then what comes, each once and in order.
    ///
    /// Ends when nobody reads it or the connection is closed for good. A reader that is more than 10,000 messages behind
    /// misses the oldest.
    func messages(of topic: String) -> AsyncStream<[UInt8]>
}

/// A process of a deployment.
package struct Member: Sendable, Equatable {
    package var id: WorkerID
    /// What it says of itself, in a form that its room knows; at most 1 MiB.
    package var report: [UInt8]

    package init(id: WorkerID, report: [UInt8]) {
        self.id = id
        self.report = report
    }
}
