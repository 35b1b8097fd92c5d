import Tasks

/// The parts that records, and entries of the log, have in common.
extension RecordWriter {
    mutating func put(_ progress: GenerationProgress) {
        put(progress.stage.rawValue)
        put(progress.step)
        put(progress.totalSteps)
    }

    mutating func put(_ failure: TaskFailure) {
        put(failure.code)
        put(failure.message)
    }

    mutating func put(_ result: GenerationResult) {
        put(Names.hash(result.video))
        put(result.bytes)
        for number in [
            result.width, result.height, result.renderedWidth, result.renderedHeight, result.numFrames, result.fps,
        ] { put(number) }
        put(result.expiredAt)
        put(result.memoryMode?.rawValue)
        put(result.steps)
        put(result.stepCache?.rawValue)
    }

    mutating func put(_ plan: AttemptPlan) {
        put(plan.memoryMode?.rawValue)
        put(plan.shape) { $0.put($1) }
        put(plan.steps)
        put(plan.stepCache?.rawValue)
    }

    mutating func put(_ shape: VideoShape) {
        put(shape.width)
        put(shape.height)
        put(shape.numFrames)
    }

    mutating func put(_ work: Work) {
        put(work.model)
        put(work.shape)
        put(work.steps)
        put(work.isGuided)
        put(work.stepCache.rawValue)
        put(work.loras) { $0.put($1) }
    }

    mutating func put(_ waiting: WaitingGeneration) {
        put(waiting.id)
        put(waiting.tenant.rawValue)
        put(waiting.weight)
        put(waiting.priority)
        put(waiting.lane.model)
        put(waiting.lane.memoryBytes)
        put(waiting.cost)
        put(waiting.work)
        put(waiting.batchKey)
        put(waiting.degradation) { writer, floor in
            writer.put(floor.minSteps)
            writer.put(floor.minFrames)
            writer.put(floor.minHeight)
        }
        put(waiting.plan)
        put(waiting.since)
        put(waiting.notBefore)
        put(waiting.hasStarted)
        put(waiting.runningLimit)
    }
}

extension RecordReader {
    mutating func progress() throws -> GenerationProgress {
        GenerationProgress(
            stage: try named(GenerationProgress.Stage.self),
            step: try int(),
            totalSteps: try int()
        )
    }

    mutating func failure() throws -> TaskFailure {
        TaskFailure(code: try string(), message: try string())
    }

    mutating func result() throws -> GenerationResult {
        GenerationResult(
            video: Names.text(ofHash: try data()),
            bytes: try int64(),
            width: try int(),
            height: try int(),
            renderedWidth: try int(),
            renderedHeight: try int(),
            numFrames: try int(),
            fps: try int(),
            expiredAt: try optionalTimestamp(),
            memoryMode: try optional { try $0.named(MemoryMode.self) },
            steps: try optionalInt(),
            stepCache: try optional { try $0.named(StepCacheLevel.self) }
        )
    }

    mutating func plan() throws -> AttemptPlan {
        AttemptPlan(
            memoryMode: try optional { try $0.named(MemoryMode.self) },
            shape: try optional { try $0.shape() },
            steps: try optionalInt(),
            stepCache: try optional { try $0.named(StepCacheLevel.self) }
        )
    }

    mutating func shape() throws -> VideoShape {
        VideoShape(width: try int(), height: try int(), numFrames: try int())
    }

    mutating func work() throws -> Work {
        Work(
            model: try string(),
            shape: try shape(),
            steps: try int(),
            isGuided: try bool(),
            stepCache: try named(StepCacheLevel.self),
            loras: try array { try $0.string() }
        )
    }

    mutating func waiting() throws -> WaitingGeneration {
        WaitingGeneration(
            id: try generation(),
            tenant: TenantID(rawValue: try string()),
            weight: try double(),
            priority: try int(),
            lane: Lane(model: try string(), memoryBytes: try int64()),
            cost: try double(),
            work: try work(),
            batchKey: try optionalString(),
            degradation: try optional { reader in
                DegradationFloor(
                    minSteps: try reader.optionalInt(),
                    minFrames: try reader.optionalInt(),
                    minHeight: try reader.optionalInt()
                )
            },
            plan: try plan(),
            since: try timestamp(),
            notBefore: try timestamp(),
            hasStarted: try bool(),
            runningLimit: try optionalInt()
        )
    }
}
