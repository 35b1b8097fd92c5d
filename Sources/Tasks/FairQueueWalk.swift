/// A walk through the generations of one flow, the oldest first, that changes nothing.
///
/// What comes next in a heap is below what was passed already: k steps cost O(k log k), however much waits.
struct FlowWalk {
    private struct Node: Comparable {
        var age: FairQueue.Age
        var strand: Int32
        /// In the heap of the strand's entries.
        var place: Int
        /// In the flow's heap of strands; `nil`: those below it are not walked, or were begun with.
        var strandPlace: Int?

        static func < (lhs: Node, rhs: Node) -> Bool { lhs.age < rhs.age }
        static func == (lhs: Node, rhs: Node) -> Bool { lhs.age == rhs.age }
    }

    private let flow: Int32
    private var nodes: MinHeap<Node>

    /// Through a whole flow.
    init(flow: Int32, of queue: FairQueue) {
        self.flow = flow
        nodes = MinHeap()
        pushStrand(at: 0, of: queue)
    }

    /// Through some strands of a flow.
    init(flow: Int32, strands: [Int32], of queue: FairQueue) {
        self.flow = flow
        nodes = MinHeap(
            strands.compactMap { strand in
                queue.strands[strand].entries.first.map { Node(age: $0.key, strand: strand, place: 0) }
            }
        )
    }

    /// Of what comes next; `nil` at the end.
    var age: FairQueue.Age? { nodes.first?.age }

    /// The slot of what comes next.
    mutating func next(of queue: FairQueue) -> Int32? {
        guard let node = nodes.pop() else { return nil }
        let entries = queue.strands[node.strand].entries.items
        for child in [2 * node.place + 1, 2 * node.place + 2] where child < entries.count {
            nodes.push(Node(age: entries[child].key, strand: node.strand, place: child))
        }
        if let place = node.strandPlace {
            pushStrand(at: 2 * place + 1, of: queue)
            pushStrand(at: 2 * place + 2, of: queue)
        }
        return entries[node.place].slot
    }

    private mutating func pushStrand(at place: Int, of queue: FairQueue) {
        let strands = queue.flows[flow].strands.items
        guard place < strands.count else { return }
        nodes.push(Node(age: strands[place].key, strand: strands[place].slot, place: 0, strandPlace: place))
    }
}

extension FairQueue {
    /// A flow in a walk through a level.
    private struct Candidate: Comparable {
        var turn: Turn
        var flow: Int32

        static func < (lhs: Candidate, rhs: Candidate) -> Bool { lhs.turn < rhs.turn }
    }

    /// The order in which generations of one level will be taken, if each can be when it is its turn.
    ///
    /// - Parameters:
    ///   - first: flows of the level, and how old the first is that is walked of each.
    ///   - skipped: is passed over, and charged to nobody.
    ///   - limit: how many, at most.
    ///   - start: begins the walk through a flow.
    /// - Returns: slots.
    func walk(
        _ first: [(flow: Int32, age: Age)],
        without skipped: Int32? = nil,
        limit: Int,
        start: (Int32) -> FlowWalk
    ) -> [Int32] {
        /// By tenant, what it would have been charged by then.
        var charged: [Int32: Double] = [:]
        func turn(of flow: Int32, _ age: Age) -> Turn {
            let (tag, shift) = (flows[flow].tag, lines[flows[flow].line].shift)
            return Turn(tag: tag + charged[flows[flow].tenant, default: 0] + shift, age: age)
        }
        var walks: [Int32: FlowWalk] = [:]
        var candidates = MinHeap(first.map { Candidate(turn: turn(of: $0.flow, $0.age), flow: $0.flow) })
        var found: [Int32] = []
        while found.count < limit, let candidate = candidates.pop() {
            let flow = candidate.flow
            let current = turn(of: flow, candidate.turn.age)
            guard current == candidate.turn else {
                // It was charged for what it had in another lane.
                candidates.push(Candidate(turn: current, flow: flow))
                continue
            }
            var walk = walks.removeValue(forKey: flow) ?? start(flow)
            guard let slot = walk.next(of: self) else { continue }
            if slot != skipped {
                found.append(slot)
                charged[flows[flow].tenant, default: 0] += entries[slot].cost / entries[slot].weight
            }
            if let age = walk.age { candidates.push(Candidate(turn: turn(of: flow, age), flow: flow)) }
            walks[flow] = walk
        }
        return found
    }
}
