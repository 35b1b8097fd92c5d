/// The address of a receiver of callbacks, known to be one that the server may call.
package struct CallbackURL: Sendable, Hashable, CustomStringConvertible {
    /// As the client wrote it.
    package let text: String
    /// `scheme://host:port`: deliveries with equal receivers share its limits.
    package let receiver: String

    /// Reads what a client wrote.
    ///
    /// The addresses that a name stands for are not known here: the sender looks them up, and checks them, each time.
    package init(_ text: String, policy: CallbackPolicy) throws(CallbackRefusal) {
        receiver = try CallbackEndpoint(text, policy: policy).receiver
        self.text = text
    }

    /// Reads back an address that was stored, and so was allowed once.
    package init(stored text: String, receiver: String) {
        self.text = text
        self.receiver = receiver
    }

    /// The host alone: what follows it may be secret, and logs show this.
    package var description: String { receiver }
}
