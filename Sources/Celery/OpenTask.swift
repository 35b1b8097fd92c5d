package import Tasks

/// A task that a Celery application waits for and the server works on.
package struct OpenTask: Sendable, Equatable {
    package var brief: CeleryBrief
    package var task: TaskID
    /// Whose it is.
    package var tenant: TenantID

    package init(brief: CeleryBrief, task: TaskID, tenant: TenantID) {
        self.brief = brief
        self.task = task
        self.tenant = tenant
    }

    /// Reads what `bytes` gives; `nil` for anything else.
    package init?(_ bytes: [UInt8]) {
        guard let value = try? JSONParser.parse(bytes), let task = value["task"]?.text.flatMap({ TaskID($0) }),
            let tenant = value["tenant"]?.text, let brief = value["brief"].flatMap({ CeleryBrief($0) })
        else { return nil }
        self.init(brief: brief, task: task, tenant: TenantID(rawValue: tenant))
    }

    /// As the broker keeps it.
    package var bytes: [UInt8] {
        let value: JSON = [
            "task": .string(task.description), "tenant": .string(tenant.rawValue), "brief": brief.value,
        ]
        return value.bytes
    }
}
