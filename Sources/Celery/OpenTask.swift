package import Tasks

/// A task that a Celery application waits for and the server works on.
package struct OpenTask: Sendable, Equatable {
    package var brief: CeleryBrief
    package var task: TaskID

    package init(brief: CeleryBrief, task: TaskID) {
        self.brief = brief
        self.task = task
    }

    /// Reads what `bytes` gives; `nil` for anything else.
    package init?(_ bytes: [UInt8]) {
        guard let value = try? JSONParser.parse(bytes), let task = value["task"]?.text.flatMap({ TaskID($0) }),
            let brief = value["brief"].flatMap({ CeleryBrief($0) })
        else { return nil }
        self.init(brief: brief, task: task)
    }

    /// As the broker keeps it.
    package var bytes: [UInt8] {
        JSON.object([JSON.Member("task", .string(task.description)), JSON.Member("brief", brief.value)]).bytes
    }
}
