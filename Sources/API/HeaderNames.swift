import HTTPTypes

extension HTTPField.Name {
    static let requestID = ours("X-Request-ID")
    static let idempotencyKey = ours("Idempotency-Key")
    static let idempotencyReplayed = ours("Idempotency-Replayed")
    static let host = ours("Host")

    private static func ours(_ literal: String) -> HTTPField.Name {
        // Only the literals above come here: a wrong one is our own mistake and shows in the first test.
        guard let name = HTTPField.Name(literal) else {
            preconditionFailure("A header name in this file is not a token")
        }
        return name
    }
}
