/// Which addresses of receivers the operator lets clients choose.
///
/// Pure.
package struct CallbackPolicy: Sendable, Equatable {
    /// Whether `http` is allowed beside `https`.
    package var allowsHTTP: Bool
    /// Networks that may be called although they are not public.
    package var allowedNetworks: [IPNetwork]

    package init(allowsHTTP: Bool = false, allowedNetworks: [IPNetwork] = []) {
        self.allowsHTTP = allowsHTTP
        self.allowedNetworks = allowedNetworks
    }

    /// Whether the server may connect to an address: it is public, or the operator's networks contain it.
    package func allows(_ address: IPAddress) -> Bool {
        objection(to: address) == nil
    }

    /// What speaks against an address, for people; `nil` if it is allowed.
    package func objection(to address: IPAddress) -> String? {
        if allowedNetworks.contains(where: { $0.contains(address) }) { return nil }
        return SpecialNetworks.meaning(of: address)
    }
}
