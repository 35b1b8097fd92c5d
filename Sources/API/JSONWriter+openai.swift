import Tasks

extension JSONWriter {
    /// A task as the OpenAI API has videos, keys sorted.
    mutating func openAIVideo(_ task: GenerationTask) {
        let generation = task.generation
        let result = task.status == .succeeded ? generation.result : nil
        let request = generation.request
        object { json in
            json.key("completed_at")
            json.seconds(task.finishedAt)
            json.key("created_at")
            json.seconds(task.createdAt)
            json.key("error")
            json.reason(task.openAIError)
            json.key("expires_at")
            json.seconds(result?.expiredAt)
            json.key("id")
            json.string(OpenAIVideoID.text(task.id))
            json.key("model")
            json.string(generation.model)
            json.key("object")
            json.string("video")
            json.key("progress")
            json.number(task.openAIProgress)
            json.key("prompt")
            json.string(request.prompt)
            json.key("remixed_from_video_id")
            json.optional(task.remixedFrom) { json, id in json.string(OpenAIVideoID.text(id)) }
            json.key("seconds")
            json.string(
                OpenAIDuration.text(frames: result?.numFrames ?? request.numFrames, at: result?.fps ?? request.fps))
            json.key("size")
            json.string("\(result?.width ?? request.width)x\(result?.height ?? request.height)")
            json.key("status")
            json.string(task.status.openAIName)
        }
    }

    /// A page of videos.
    mutating func openAIVideos(_ page: TaskPage) {
        object { json in
            json.key("data")
            json.array { json in
                for task in page.tasks { json.openAIVideo(task) }
            }
            json.key("first_id")
            json.optional(page.tasks.first) { json, task in json.string(OpenAIVideoID.text(task.id)) }
            json.key("has_more")
            json.bool(page.next != nil)
            json.key("last_id")
            json.optional(page.tasks.last) { json, task in json.string(OpenAIVideoID.text(task.id)) }
            json.key("object")
            json.string("list")
        }
    }

    /// Models by their names, and by the other names that they have.
    mutating func openAIModels(_ catalog: ModelCatalog, aliases: [OpenAIModelAlias]) {
        let names = catalog.models.map(\.name)
        let others = aliases.filter { names.contains($0.model) && !names.contains($0.alias) }.map(\.alias)
        object { json in
            json.key("data")
            json.array { json in
                for name in names + others { json.openAIModel(name) }
            }
            json.key("object")
            json.string("list")
        }
    }

    private mutating func openAIModel(_ name: String) {
        object { json in
            json.key("created")
            // When a model was made is not known, and clients expect a number.
            json.number(0)
            json.key("id")
            json.string(name)
            json.key("object")
            json.string("model")
            json.key("owned_by")
            json.string("animato")
        }
    }

    /// Whole seconds since 1970.
    private mutating func seconds(_ moment: Timestamp?) {
        optional(moment) { json, moment in json.number(moment.milliseconds / 1000) }
    }
}

extension GenerationTask {
    /// The OpenAI API has no status for what was cancelled: it is a failure with a code of its own.
    fileprivate var openAIError: (code: String, message: String)? {
        switch status {
        case .queued, .running, .succeeded: nil
        case .cancelled: ("cancelled", "The task was cancelled.")
        case .failed: (generation.failure?.code ?? "failed", generation.failure?.message ?? "The task failed.")
        }
    }

    /// 100 is a finished video, and nothing else.
    fileprivate var openAIProgress: Int {
        switch status {
        case .queued: 0
        case .succeeded: 100
        case .running, .failed, .cancelled: min(99, generation.progress?.percent ?? 0)
        }
    }
}

extension TaskStatus {
    fileprivate var openAIName: String {
        switch self {
        case .queued: "queued"
        case .running: "in_progress"
        case .succeeded: "completed"
        case .failed, .cancelled: "failed"
        }
    }
}
