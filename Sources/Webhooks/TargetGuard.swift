import Tasks

/// Finds the one address that an attempt may connect to.
///
/// The name is resolved once, all its addresses are judged, and the connection goes to one of exactly those: what the
/// name leads to a moment later does not matter.
struct TargetGuard: Sendable {
    let policy: CallbackPolicy
    let resolver: any AddressResolver

    func address(of host: CallbackEndpoint.Host) async throws(DeliveryError) -> IPAddress {
        switch host {
        case .address(let address):
            guard policy.allows(address) else { throw .addressForbidden }
            return address
        case .name(let name):
            let addresses = try await resolver.addresses(of: name)
            guard let first = addresses.first else { throw .nameUnresolved }
            // One bad address among good ones is no accident.
            guard addresses.allSatisfy(policy.allows) else { throw .addressForbidden }
            return first
        }
    }
}
