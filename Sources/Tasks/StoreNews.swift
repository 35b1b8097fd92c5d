/// What a store tells whoever works on generations, whichever process changed it.
package enum StoreNews: Sendable, Hashable {
    /// There may be something to claim that could not be claimed before.
    case queue
    /// Nobody wants a generation any more that was running.
    case abandoned(GenerationID)
    /// A generation that runs is wanted by a more urgent task.
    case raised(GenerationID, priority: Int)
    /// Some news was not read in time or got lost: look at everything again.
    case missed
}
