import Tasks

/// Why a receiver was not reached, or gave no answer.
package enum DeliveryError: Error, Sendable, Equatable {
    /// The name leads to an address that the server may not call.
    case addressForbidden
    case nameUnresolved
    case unreachable
    case timeout
    /// The certificate is not good for the name, or there is no TLS.
    case tlsFailed
    /// What came was no HTTP.
    case brokenAnswer
    /// More names wait to be looked up than may.
    case resolverBusy

    /// Stable, snake_case.
    package var code: String {
        switch self {
        case .addressForbidden: "callback_address_forbidden"
        case .nameUnresolved: "callback_name_unresolved"
        case .unreachable: "callback_unreachable"
        case .timeout: "callback_timeout"
        case .tlsFailed: "callback_tls_failed"
        case .brokenAnswer: "callback_answer_broken"
        case .resolverBusy: "callback_resolver_busy"
        }
    }

    /// For people.
    var message: String {
        switch self {
        case .addressForbidden: "The host is not on the public Internet; the operator can allow its network."
        case .nameUnresolved: "The host's name could not be resolved."
        case .unreachable: "No connection to the receiver."
        case .timeout: "The receiver did not answer in time."
        case .tlsFailed: "No TLS with a certificate that is good for the host's name."
        case .brokenAnswer: "The receiver's answer was no HTTP, or the connection was closed before it."
        case .resolverBusy: "Too many names wait to be resolved."
        }
    }

    var failure: TaskFailure { TaskFailure(code: code, message: message) }
}
