/// A failure as Celery keeps it: the client of the task gets it raised.
package struct CeleryException: Error, Sendable, Equatable {
    /// The name of a Python class.
    package var type: String
    /// Where the class is; clients look only among what they have imported.
    package var module: String
    package var message: String
    /// Stable, snake_case; stands beside the exception in the record.
    package var code: String
    /// What is wrong with the single fields of the request.
    package var violations: [JSON]

    package init(
        _ type: String,
        _ message: String,
        code: String,
        module: String = "builtins",
        violations: [JSON] = []
    ) {
        self.type = type
        self.module = module
        self.message = message
        self.code = code
        self.violations = violations
    }

    package static let revoked = CeleryException(
        "TaskRevokedError", "revoked", code: "cancelled", module: "celery.exceptions")
    package static let expired = CeleryException(
        "TaskRevokedError", "expired", code: "expired", module: "celery.exceptions")

    /// As Python's `repr` shows it.
    package var pythonText: String { "\(type)(\(JSON.string(message).pythonText()))" }

    /// As it stands in a record.
    var value: JSON {
        [
            "exc_type": .string(type),
            "exc_message": .array([.string(message)]),
            "exc_module": .string(module),
        ]
    }
}
