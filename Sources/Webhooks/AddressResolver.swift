package import Tasks

/// Finds the addresses behind a name.
package protocol AddressResolver: Sendable {
    /// Every address of a host, in the order in which to try them; at least one.
    ///
    /// - Throws: `nameUnresolved`, `timeout`, `resolverBusy`.
    func addresses(of host: String) async throws(DeliveryError) -> [IPAddress]
}
