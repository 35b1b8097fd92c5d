import Tasks

/// Finds the one address that an attempt may connect to.
///
/// The name is resolved once, all its addresses are judged, and the connection goes to one of exactly those: what the
/// name leads to a moment later does not matter.
struct TargetGuard: Sendable {
    let policy: CallbackPolicy
    let resolver: any AddressResolver

    /// Resolves and judges.
    ///
    /// - Parameters:
    ///   - host: whose address is wanted.
    ///   - number: which attempt it is for, from 1: each tries the next address, so that one that is down is not all.
    /// - Returns: one of the host's addresses, all of which are allowed.
    /// - Throws: `addressForbidden`, and what the resolver throws.
    func address(of host: CallbackEndpoint.Host, attempt number: Int) async throws(DeliveryError) -> IPAddress {
        switch host {
        case .address(let address):
            guard policy.allows(address) else { throw .addressForbidden }
            return address
        case .name(let name):
            let addresses = try await resolver.addresses(of: name)
            guard !addresses.isEmpty else { throw .nameUnresolved }
            // One bad address among good ones is no accident.
            guard addresses.allSatisfy(policy.allows) else { throw .addressForbidden }
            return addresses[max(0, number - 1) % addresses.count]
        }
    }
}
