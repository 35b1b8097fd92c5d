/// What monitors and records tell of a task, whatever becomes of it.
package struct CeleryBrief: Sendable, Equatable {
    /// The longest text of arguments that is passed on.
    static let maxText = 1024

    package var id: String
    package var name: String
    /// The arguments as Python shows them.
    package var args: String
    package var kwargs: String
    package var rootID: String?
    package var parentID: String?
    package var groupID: String?
    package var retries: Int
    package var eta: String?
    package var expires: String?
    /// Whether nobody will ask for the result.
    package var ignoresResult: Bool

    package init(id: String, name: String, kwargs: String = "{}") {
        self.id = id
        self.name = name
        self.args = "()"
        self.kwargs = kwargs
        retries = 0
        ignoresResult = false
    }

    /// Takes what there is of it in the headers of a message.
    init(id: String, headers: JSON) {
        func short(_ name: String) -> String? { headers[name]?.text.map { String($0.prefix(Self.maxText)) } }
        self.init(id: id, name: short("task") ?? "unknown", kwargs: short("kwargsrepr") ?? "{}")
        args = short("argsrepr") ?? "()"
        rootID = short("root_id")
        parentID = short("parent_id")
        groupID = short("group")
        retries = headers["retries"]?.int ?? 0
        eta = short("eta")
        expires = short("expires")
        ignoresResult = headers["ignore_result"]?.isTrue ?? false
    }

    /// Reads what `value` gives; `nil` for anything else.
    init?(_ value: JSON) {
        guard let id = value["id"]?.text else { return nil }
        self.init(id: id, headers: value)
    }

    /// As it is kept, under the names of the headers.
    var value: JSON {
        [
            "id": .string(id),
            "task": .string(name),
            "argsrepr": .string(args),
            "kwargsrepr": .string(kwargs),
            "root_id": .optional(rootID),
            "parent_id": .optional(parentID),
            "group": .optional(groupID),
            "retries": .integer(retries),
            "eta": .optional(eta),
            "expires": .optional(expires),
            "ignore_result": .bool(ignoresResult),
        ]
    }
}
