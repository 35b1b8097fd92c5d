import AsyncHTTPClient
import NIOCore
import NIOSSL
import Tasks

/// HTTP clients by what they may connect to: scheme, host, port, and the very address that was judged.
///
/// A connection is used again only for what it was opened for. Bounded: beyond the limit, clients that nobody uses are
/// shut down, those used longest ago first.
actor ConnectionPools {
    struct Key: Hashable {
        let receiver: String
        /// `nil` for a host that is an address itself.
        let name: String?
        let address: IPAddress
        let isSecure: Bool

        init(endpoint: CallbackEndpoint, address: IPAddress) {
            receiver = endpoint.receiver
            name = if case .name(let name) = endpoint.host { name } else { nil }
            self.address = address
            isSecure = endpoint.scheme == .https
        }
    }

    private struct Entry {
        var client: HTTPClient
        var users = 0
        var lastUse: UInt64
    }

    private static let limit = 64

    private let group: any EventLoopGroup
    private let settings: WebhookSettings
    private var entries: [Key: Entry] = [:]
    private var uses: UInt64 = 0
    private let trustRoots: TrustRoots

    init(group: any EventLoopGroup, settings: WebhookSettings, trustRoots: TrustRoots) {
        self.group = group
        self.settings = settings
        self.trustRoots = trustRoots
    }

    /// Lends the client for a receiver at an address.
    func borrow(_ key: Key) async -> HTTPClient {
        uses += 1
        var entry = entries[key] ?? Entry(client: makeClient(key), lastUse: uses)
        entry.users += 1
        entry.lastUse = uses
        entries[key] = entry
        await trim()
        return entry.client
    }

    func giveBack(_ key: Key) async {
        entries[key]?.users -= 1
        await trim()
    }

    /// Shuts every client down.
    func close() async {
        let all = entries.values.map(\.client)
        entries = [:]
        for client in all { try? await client.shutdown() }
    }

    private func trim() async {
        var surplus: [HTTPClient] = []
        while entries.count > Self.limit {
            let idle = entries.filter { $0.value.users == 0 }
            guard let oldest = idle.min(by: { $0.value.lastUse < $1.value.lastUse }) else { break }
            entries[oldest.key] = nil
            surplus.append(oldest.value.client)
        }
        for client in surplus { try? await client.shutdown() }
    }

    /// Looks at a new connection before anything is sent over it.
    ///
    /// The library verifies certificates, but takes one of the address for one of the name: whoever can lie about the
    /// name could then have a certificate of an address of his own.
    private static func check(_ channel: any Channel, _ key: Key) throws {
        do {
            // Should the library ever connect elsewhere, nothing is sent there.
            guard channel.remoteAddress?.ipAddress.flatMap({ IPAddress($0) }) == key.address else {
                throw DeliveryError.addressForbidden
            }
            guard key.isSecure, let name = key.name else { return }
            let certificate = try channel.pipeline.syncOperations.nioSSL_peerCertificate()
            guard certificate?.isGood(for: name) == true else { throw DeliveryError.tlsFailed }
        } catch {
            channel.close(promise: nil)
            throw error
        }
    }

    private func makeClient(_ key: Key) -> HTTPClient {
        var configuration = HTTPClient.Configuration(
            tlsConfiguration: trustRoots.configuration,
            redirectConfiguration: .disallow,
            timeout: .init(connect: TimeAmount(settings.connectTimeout)),
            connectionPool: .init(
                idleTimeout: .seconds(30),
                concurrentHTTP1ConnectionsPerHostSoftLimit: settings.receiverConcurrency
            )
        )
        configuration.httpVersion = .http1Only
        configuration.connectionPool.retryConnectionEstablishment = false
        // The name stays what the certificate is compared with; the connection goes to the address. A host that is an
        // address itself needs none, and one in brackets would be taken for the name of the certificate.
        if let name = key.name { configuration.dnsOverride = [name: key.address.description] }
        configuration.http1_1ConnectionDebugInitializer = { channel in
            channel.eventLoop.makeCompletedFuture { try Self.check(channel, key) }
        }
        return HTTPClient(eventLoopGroupProvider: .shared(group), configuration: configuration)
    }
}
