package import Logging
package import Results
import ServiceLifecycle
package import Tasks

/// Tidies up: removes what has been over for long enough, lets videos go so that the rest has room, and looks for
/// files that nobody knows and files that are damaged.
///
/// Every part of a pass is bounded, and a part that fails is logged and tried again in the next pass. Of several processes
/// one does it at a time.
package struct RetentionService: Service {
    /// A video that nobody knows may be one whose generation is just being finished.
    static let strayAge: Duration = .seconds(3600)
    /// Strays that one pass removes or rules out.
    static let sweepLimit = 1_000
    /// Kept videos that one pass names; of more, those that were used longest ago are gone through.
    static let inventoryLimit = 100_000

    /// Longest time that a pass may take beyond the interval without another process beginning one.
    private static let turnMargin: Duration = .seconds(60)

    private let store: any TaskStore
    private let results: any ResultStore
    private let leftovers: LeftoverSweep
    private let settings: RetentionSettings
    private let turn: DutyTurn?
    private let clock: any ServiceClock
    private let logger: Logger
    private let metrics = RetentionMetrics()

    /// - Parameters:
    ///   - store: whose rows are removed.
    ///   - results: whose videos are let go.
    ///   - leftovers: what is swept beside them.
    ///   - settings: when, and how much.
    ///   - turn: lets one process at a time do it; `nil`: there is only this one.
    ///   - clock: of the passes.
    ///   - logger: for what goes and what fails.
    package init(
        store: any TaskStore,
        results: any ResultStore,
        leftovers: LeftoverSweep,
        settings: RetentionSettings = RetentionSettings(),
        turn: DutyTurn? = nil,
        clock: any ServiceClock,
        logger: Logger
    ) {
        self.store = store
        self.results = results
        self.leftovers = leftovers
        self.settings = settings
        self.turn = turn
        self.clock = clock
        self.logger = logger
    }

    /// Where the rounds over the kept videos are.
    private struct Rounds {
        var sweep = KeptVideoRound()
        var scrub = KeptVideoRound()
        /// When the round of the scrub began; `nil` if none is under way and one may begin.
        var scrubbedSince: Duration?
        var isScrubbing = false
        /// The last uploaded file that was looked at.
        var upload: String?
    }

    package func run() async throws {
        await cancelWhenGracefulShutdown {
            var rounds = Rounds()
            while !Task.isCancelled {
                if await isOurTurn() { await pass(&rounds) }
                do {
                    try await clock.sleep(for: settings.interval)
                } catch {
                    return
                }
            }
        }
    }

    /// Whether this process does it, until the pass after the next at least.
    private func isOurTurn() async -> Bool {
        guard let turn else { return true }
        return await turn.take(for: settings.interval * 2 + Self.turnMargin, logger)
    }

    private func pass(_ rounds: inout Rounds) async {
        await purge()
        await leftovers.pass(after: &rounds.upload, keepingCheckpointsFor: settings.checkpoints)
        let usage: ResultUsage
        do throws(ResultStoreError) {
            usage = try await results.usage(oldest: Self.inventoryLimit)
        } catch {
            logger.error("What is kept could not be gone through", metadata: ["code": "\(error.code)"])
            return
        }
        let evicted = await evict(usage)
        metrics.letGo(evicted.count)
        metrics.kept(usage.videos - evicted.count, bytes: usage.bytes - evicted.reduce(0) { $0 + $1.bytes })
        let gone = Set(evicted.map(\.name))
        let kept = usage.oldest.filter { !gone.contains($0.name) }
        await sweep(kept, &rounds.sweep)
        await scrub(kept, &rounds)
    }

    // MARK: Rows

    private func purge() async {
        var removed = 0
        do throws(TaskStoreError) {
            for _ in 0..<settings.purgeBatches where !Task.isCancelled {
                let rows = try await store.purge(settings.retention, limit: settings.purgeBatch)
                removed += rows
                if rows == 0 { break }
                // Between two batches it is the turn of whoever waits.
                await Task.yield()
            }
        } catch {
            logger.error("What is over could not be removed", metadata: ["code": "\(error.code)"])
        }
        if removed > 0 { logger.info("Removed what is over", metadata: ["rows": "\(removed)"]) }
    }

    // MARK: Videos

    /// Lets go what is too old or too much.
    ///
    /// First the tasks say so, then the files go: after a crash between the two, the sweep finds the files. A video that
    /// was used meanwhile stays, and its tasks take it back.
    private func evict(_ usage: ResultUsage) async -> [KeptVideo] {
        let oldest = ResultUsage(
            videos: usage.videos,
            bytes: usage.bytes,
            oldest: Array(usage.oldest.prefix(EvictionPolicy.passLimit))
        )
        let victims = settings.eviction.victims(of: oldest, now: clock.wallTime().milliseconds)
        guard !victims.isEmpty else { return [] }
        do throws(TaskStoreError) {
            try await store.expire(victims.map(\.name.hex))
            let (gone, used) = await remove(victims)
            if !used.isEmpty { try await store.restore(used.map(\.name.hex)) }
            logger.info(
                "Videos were let go",
                metadata: ["videos": "\(gone.count)", "bytes": "\(gone.reduce(0) { $0 + $1.bytes })"]
            )
            return gone
        } catch {
            logger.error("Videos could not be let go", metadata: ["code": "\(error.code)"])
            return []
        }
    }

    /// Removes files of videos that no generation counts on: made under a lease that was lost, or let go before a crash.
    private func sweep(_ kept: [KeptVideo], _ round: inout KeptVideoRound) async {
        let before = clock.wallTime().advanced(by: .zero - Self.strayAge).milliseconds
        let old = round.next(of: kept.filter { $0.lastUsed < before }, limit: Self.sweepLimit)
        guard !old.isEmpty else { return }
        do throws(TaskStoreError) {
            let known = try await store.videos(old.map(\.name.hex))
            let strays = old.filter { video in
                guard let record = known[video.name.hex] else { return true }
                return record.expiredAt != nil
            }
            let (gone, _) = await remove(strays)
            if !gone.isEmpty { logger.info("Stray videos were removed", metadata: ["videos": "\(gone.count)"]) }
        } catch {
            logger.error("Stray videos could not be looked for", metadata: ["code": "\(error.code)"])
        }
    }

    /// Those that went, and those that were used meanwhile; what cannot be removed is left to the next sweep.
    private func remove(_ videos: [KeptVideo]) async -> (gone: [KeptVideo], used: [KeptVideo]) {
        var gone: [KeptVideo] = []
        var used: [KeptVideo] = []
        for video in videos {
            do throws(ResultStoreError) {
                if try await results.remove(video) { gone.append(video) } else { used.append(video) }
            } catch {
                logger.error("A video could not be removed", metadata: ["code": "\(error.code)"])
            }
        }
        return (gone, used)
    }

    // MARK: Damage

    /// Compares the next of the kept videos with their names.
    ///
    /// The result store sets aside what does not match; its tasks then say that it is gone, and an equal request makes it
    /// anew.
    private func scrub(_ kept: [KeptVideo], _ rounds: inout Rounds) async {
        guard settings.scrubBytes > 0, mayScrub(&rounds) else { return }
        let part = rounds.scrub.next(of: kept, bytes: settings.scrubBytes)
        rounds.isScrubbing = !part.isEmpty
        for video in part where !Task.isCancelled {
            do throws(ResultStoreError) {
                guard try await !results.verify(video.name) else { continue }
                await letGo(video)
            } catch .damaged {
                await letGo(video)
            } catch {
                logger.error("A video could not be verified", metadata: ["code": "\(error.code)"])
            }
        }
    }

    /// Whether a round is under way, or the last one began long enough ago for the next.
    private func mayScrub(_ rounds: inout Rounds) -> Bool {
        if rounds.isScrubbing { return true }
        let now = clock.monotonicTime()
        if let since = rounds.scrubbedSince, now - since < settings.scrubPeriod { return false }
        rounds.scrubbedSince = now
        return true
    }

    private func letGo(_ video: KeptVideo) async {
        logger.error("A kept video is damaged or gone", metadata: ["video": "\(video.name)"])
        do throws(TaskStoreError) {
            try await store.expire([video.name.hex])
        } catch {
            logger.error("A damaged video could not be let go", metadata: ["code": "\(error.code)"])
        }
    }
}
