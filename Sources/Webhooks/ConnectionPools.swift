import AsyncHTTPClient
import NIOCore
import Tasks

/// HTTP clients by what they may connect to: scheme, host, port, and the very address that was judged.
///
/// A connection is used again only for what it was opened for. Bounded: beyond the limit, clients that nobody uses are
/// shut down, those used longest ago first.
actor ConnectionPools {
    struct Key: Hashable {
        var receiver: String
        var address: IPAddress
    }

    private struct Entry {
        var client: HTTPClient
        var users = 0
        var lastUse: UInt64
    }

    private static let limit = 64

    private let group: any EventLoopGroup
    private let connectTimeout: Duration
    private var entries: [Key: Entry] = [:]
    private var uses: UInt64 = 0
    /// A certificate authority of the tests' own.
    private let trustRoots: TrustRoots

    init(group: any EventLoopGroup, connectTimeout: Duration, trustRoots: TrustRoots) {
        self.group = group
        self.connectTimeout = connectTimeout
        self.trustRoots = trustRoots
    }

    /// Lends the client for a receiver at an address.
    func borrow(_ key: Key, host: String) async -> HTTPClient {
        uses += 1
        if entries[key] == nil {
            entries[key] = Entry(client: makeClient(key, host: host), lastUse: uses)
        }
        entries[key]?.users += 1
        entries[key]?.lastUse = uses
        let client = entries[key]?.client ?? makeClient(key, host: host)
        await trim()
        return client
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

    private func makeClient(_ key: Key, host: String) -> HTTPClient {
        var configuration = HTTPClient.Configuration(
            tlsConfiguration: trustRoots.configuration,
            redirectConfiguration: .disallow,
            timeout: .init(connect: TimeAmount(connectTimeout)),
            connectionPool: .init(idleTimeout: .seconds(30))
        )
        configuration.httpVersion = .http1Only
        configuration.connectionPool.retryConnectionEstablishment = false
        // The name stays what the certificate is compared with; the connection goes to the address.
        configuration.dnsOverride = [host: key.address.description]
        return HTTPClient(eventLoopGroupProvider: .shared(group), configuration: configuration)
    }
}
