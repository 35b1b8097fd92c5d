import Tasks

extension WaitingGeneration {
    /// A generation in the queue; what is left out is like that of any other.
    static func fixture(
        _ id: Int64,
        tenant: String = "a",
        weight: Double = 1,
        priority: Int = 0,
        lane: String = "lane",
        cost: Double = 1,
        batchKey: String? = nil,
        since: Int64 = 0,
        notBefore: Int64 = 0
    ) -> WaitingGeneration {
        WaitingGeneration(
            id: GenerationID(rawValue: id),
            tenant: TenantID(rawValue: tenant),
            weight: weight,
            priority: priority,
            lane: Lane(model: lane),
            cost: cost,
            work: Work(
                model: lane,
                shape: VideoShape(width: 672, height: 384, numFrames: 49),
                steps: 50,
                isGuided: true
            ),
            batchKey: batchKey,
            since: Timestamp(milliseconds: since),
            notBefore: Timestamp(milliseconds: notBefore)
        )
    }
}

extension FairQueue {
    /// Takes the first of all.
    mutating func takeFirst(at now: Timestamp = Timestamp(milliseconds: 0)) -> WaitingGeneration? {
        heads(at: now).first.flatMap { take($0.id, at: now) }
    }
}
