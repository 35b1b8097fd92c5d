/// What the engine says.
extension EngineLifecycle {
    /// The engine says something.
    mutating func received(_ message: EngineMessage, at now: Instant) -> [Action] {
        switch (phase, message) {
        case (.starting, .hello(let hello)):
            return greeted(hello, at: now)
        case (.starting, .refused(let refused)):
            end(EngineFault(code: refused.code, message: refused.message), as: Ending(isExplained: true))
            return [arm(.process, Self.exitGrace)]
        case (.up(var running), _):
            do throws(Contradiction) {
                let actions = try heard(message, &running, at: now)
                phase = .up(running)
                return actions + replaceIfDue()
            } catch {
                return breach(error.reason)
            }
        case (.ending(let ending), .done(let done)) where ending.isPolite:
            return finishedLate(done, ending)
        case (.ending, _):
            return []
        default:
            return breach(Self.misplaced(message).reason)
        }
    }

    private static func misplaced(_ message: EngineMessage) -> Contradiction {
        Contradiction(reason: "a message arrived that has no place here: \(message.name)")
    }

    private mutating func heard(
        _ message: EngineMessage,
        _ running: inout Running,
        at now: Instant
    ) throws(Contradiction) -> [Action] {
        switch message {
        case .loading: return try loading(&running, at: now)
        case .loaded: return try loaded(&running, at: now)
        case .resumed(let resumed):
            return try sign(of: resumed.id, message, &running, at: now) { row throws(Contradiction) in
                try row.resumed(at: resumed.step)
            }
        case .checkpointed(let saved):
            return try sign(of: saved.id, message, &running, at: now) { row throws(Contradiction) in
                try row.checkpointed(saved)
            }
        case .preview(let saved):
            return try sign(of: saved.id, message, &running, at: now) { row throws(Contradiction) in
                try row.previewed(saved)
            }
        case .progress(let progress):
            return try sign(of: progress.id, message, &running, at: now) { row throws(Contradiction) in
                try row.advance(progress)
            }
        case .released(let released): return try self.released(released.ids, &running, at: now)
        case .done(let done): return try finished(done, &running, at: now)
        case .failed(let failed): return try self.failed(failed, &running, at: now)
        case .parked:
            guard running.isParking else { throw Self.misplaced(message) }
            running.isParking = false
            return []
        case .hello, .refused: throw Self.misplaced(message)
        }
    }

    // MARK: Signs of life

    private mutating func loading(_ running: inout Running, at now: Instant) throws(Contradiction) -> [Action] {
        guard var pass = running.working else { throw Self.misplaced(.loading) }
        try pass.loading(at: now)
        running.working = pass
        running.warmModel = nil
        let total = pass.leader.numInferenceSteps
        let progress = EngineProgress(stage: .load, step: 0, totalSteps: total)
        return pass.rows.map { .report(id: $0.command.id, .progress(progress)) } + [awaitSign(of: pass, running)]
    }

    private mutating func loaded(_ running: inout Running, at now: Instant) throws(Contradiction) -> [Action] {
        guard var pass = running.working else { throw Contradiction(reason: "it has loaded for nobody") }
        try pass.loaded(at: now)
        running.working = pass
        var actions = [awaitSign(of: pass, running)]
        // What was to stop has had to wait until now.
        for row in pass.rows where row.isCancelled {
            actions.append(awaitEnd(.cancel(id: row.command.id), of: pass))
        }
        if pass.isGivingUp { actions.append(awaitEnd(.yield(pass: pass.number), of: pass)) }
        return actions
    }

    private mutating func sign(
        of id: String,
        _ message: EngineMessage,
        _ running: inout Running,
        at now: Instant,
        _ check: (inout GenerationWatch) throws(Contradiction) -> EngineReport
    ) throws(Contradiction) -> [Action] {
        guard var pass = running.pass(of: id) else { throw Self.misplaced(message) }
        let report = try pass.heard(id, learning: &stalls[of: pass.leader, settings], at: now, check)
        running.replace(pass)
        if !pass.isReleased { running.warmModel = pass.leader.model }
        return [.report(id: id, report), awaitSign(of: pass, running)]
    }

    private mutating func released(
        _ ids: [String],
        _ running: inout Running,
        at now: Instant
    ) throws(Contradiction) -> [Action] {
        guard var pass = running.working else { throw Contradiction(reason: "it releases nothing") }
        guard running.writing == nil else { throw Contradiction(reason: "it writes two passes at once") }
        try pass.released(ids, learning: &stalls[of: pass.leader, settings], at: now)
        running.working = nil
        running.writing = pass
        return pass.rows.map { .report(id: $0.command.id, .released) } + disarm(.yield(pass: pass.number))
            + [awaitSign(of: pass, running)]
    }

    // MARK: Outcomes

    private mutating func finished(
        _ done: EngineMessage.Done,
        _ running: inout Running,
        at now: Instant
    ) throws(Contradiction) -> [Action] {
        guard var pass = running.writing, let row = pass.row(done.id) else { throw Self.misplaced(.done(done)) }
        let video = try row.video(done)
        pass.learn(&stalls[of: pass.leader, settings], until: now)
        running.writing = pass
        failures = 0
        let actions: [Action] =
            row.isCancelled
            ? [.discard(output: video.file), .finish(id: done.id, .failure(.cancelled))]
            : [.finish(id: done.id, .success(video))]
        return actions + leave(done.id, pass, &running, at: now)
    }

    /// It was quicker than the order to end: the video is good.
    private mutating func finishedLate(_ done: EngineMessage.Done, _ ending: Ending) -> [Action] {
        guard let index = ending.orphans.firstIndex(where: { $0.row.command.id == done.id }) else { return [] }
        var ending = ending
        let row = ending.orphans[index].row
        guard !row.isCancelled, let video = try? row.video(done) else { return [] }
        ending.orphans.remove(at: index)
        phase = .ending(ending)
        return [.finish(id: done.id, .success(video))]
    }

    private mutating func failed(
        _ failed: EngineMessage.Failed,
        _ running: inout Running,
        at now: Instant
    ) throws(Contradiction) -> [Action] {
        guard let pass = running.pass(of: failed.id), let row = pass.row(failed.id) else {
            throw Self.misplaced(.failed(failed))
        }
        let error = EngineError(failed)
        if failed.kind == .outOfMemory { running.warmModel = nil }
        let isAsked = pass.isYielding || row.isCancelled
        running.replacement = running.replacement ?? replacement(after: failed, error, isAsked: isAsked)
        let finish = Action.finish(id: failed.id, .failure(row.isCancelled ? .cancelled : error))
        return [finish] + leave(failed.id, pass, &running, at: now)
    }

    /// Whether the engine is to be replaced after a failure, and why.
    private func replacement(
        after failed: EngineMessage.Failed,
        _ error: EngineError,
        isAsked: Bool
    ) -> Replacement? {
        if failed.kind == .loadFailed {
            // Only a new process sees other files and other packages, and its pauses keep the next attempts apart.
            return Replacement(fault: EngineFault(code: failed.code, message: failed.message))
        }
        if failed.kind == .yielded, !isAsked {
            // Somebody else told the process to end, and it is about to.
            let message = "The engine was told to end by someone else."
            return Replacement(fault: EngineFault(code: "engine_crashed", message: message), isLeaving: true)
        }
        if case .outOfMemory(let fault) = error, fault.hasLostMemory(beyond: settings.memoryTolerance) {
            let message = "Memory did not come back after there was too little of it; the engine is replaced."
            return Replacement(fault: EngineFault(code: "engine_memory_lost", message: message), isBlameless: true)
        }
        return nil
    }

    /// A generation has its outcome, and may be the last of its pass.
    private mutating func leave(
        _ id: String,
        _ pass: PassWatch,
        _ running: inout Running,
        at now: Instant
    ) -> [Action] {
        var pass = pass
        pass.ended(id, at: now)
        running.replace(pass)
        var actions = disarm(.cancel(id: id))
        guard pass.rows.isEmpty else { return actions + [awaitSign(of: pass, running)] }
        actions += disarm(.sign(pass: pass.number)) + disarm(.yield(pass: pass.number))
        guard pass.isReleased else {
            running.working = nil
            return actions
        }
        running.writing = nil
        // What waited for these files is on its own again.
        if var next = running.working, next.stage == .decode {
            next.wasHeldUp()
            running.working = next
            actions.append(awaitSign(of: next, running))
        }
        return actions
    }
}
