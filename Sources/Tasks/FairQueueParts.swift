/// The parts of a `FairQueue`, from the smallest: an entry is in a strand, a strand in a flow, a flow in a line, a line
/// in a level.
extension FairQueue {
    /// The order within a tenant: the oldest first, of equals the one that was made first.
    struct Age: Comparable, Sendable {
        var milliseconds: Int64
        var id: Int64

        static func < (lhs: Age, rhs: Age) -> Bool {
            lhs.milliseconds == rhs.milliseconds ? lhs.id < rhs.id : lhs.milliseconds < rhs.milliseconds
        }
    }

    /// The order within a level: the tenant that has had least first, of equals the one that waits longest.
    struct Turn: Comparable, Sendable {
        var tag: Double
        var age: Age

        static func < (lhs: Turn, rhs: Turn) -> Bool {
            lhs.tag == rhs.tag ? lhs.age < rhs.age : lhs.tag < rhs.tag
        }
    }

    /// What is a generation's own.
    struct Entry: Sendable {
        var id = GenerationID(rawValue: 0)
        var since = Timestamp(milliseconds: 0)
        var notBefore = Timestamp(milliseconds: 0)
        /// When it came to its level, in milliseconds.
        var raisedAt: Int64 = 0
        var cost = 0.0
        var weight = 1.0
        var priority = 0
        var tenant: Int32 = 0
        var traits: Int32 = 0
        /// -1: before its time.
        var strand: Int32 = -1

        var age: Age { Age(milliseconds: since.milliseconds, id: id.rawValue) }
    }

    /// What it has in common with many others.
    struct Traits: Hashable, Sendable {
        var lane: Lane
        var work: Work
        var batchKey: String?
        var degradation: DegradationFloor?
        var plan: AttemptPlan
        var hasStarted: Bool
        var runningLimit: Int?

        /// What it shares a pass with; `nil`: with none.
        var group: String? { hasStarted || plan != AttemptPlan() ? nil : batchKey }
    }

    /// Generations of a flow that have the same priority and may share a pass.
    struct Strand: Sendable {
        var flow: Int32 = 0
        var priority = 0
        /// -1: they share none.
        var group: Int32 = -1
        /// In the list of the group.
        var groupPlace = 0
        var entries = SlotHeap<Age>()
    }

    struct StrandName: Hashable, Sendable {
        var flow: Int32
        var priority: Int
        var group: Int32
    }

    /// What a tenant has waiting in a line, and what it has had there.
    struct Flow: Sendable {
        var tenant: Int32 = 0
        var line: Int32 = 0
        /// Seconds by weight that were charged, on the scale of the line; with its shift, on that of the level.
        var tag = 0.0
        /// How many generations had been taken from the queue when the tag was set to the time of the level.
        var started: UInt64 = 0
        /// Of what came last.
        var weight = 1.0
        var count = 0
        /// Those that waiting has brought here: one at most, unless priorities were changed.
        var raised = 0
        var cost = 0.0
        var strands = SlotHeap<Age>()
    }

    /// What waits in a level for the same devices.
    struct Line: Sendable {
        var level = 0
        var lane: Int32 = 0
        /// What the line was moved on so that it does not lag behind the time of the level.
        var shift = 0.0
        /// Flows in which nothing waits included.
        var members = 0
        var flows = SlotHeap<Turn>()
    }

    /// What waits with the same priority, counting what waiting has added.
    struct Level: Sendable {
        var priority: Int
        /// The virtual time: the greatest tag that was served.
        ///
        /// Nobody starts before it.
        var time = 0.0
        var lines: [Int32] = []
        /// The flows of each tenant.
        var members: [Int32: [Int32]] = [:]
        /// When something of a tenant was last taken from here or raised from here, in milliseconds; forgotten with its
        /// last flow.
        var servedAt: [Int32: Int64] = [:]
        var count = 0
        var cost = 0.0
        /// Flows in which nothing may be taken: those in which nothing waits are kept while their tag is ahead of the time.
        var idle = 0
        /// So many idle flows are looked through for those that can go.
        var sweepAt = 64
    }

    /// What was charged for a generation that is being made.
    struct Charge: Sendable {
        var tenant: TenantID
        var weight: Double
        var cost: Double
        var level: Int
        var lane: Lane
        /// The number of the take.
        var number: UInt64
    }
}
