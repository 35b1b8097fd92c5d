import AsyncHTTPClient
import Foundation
package import Logging
package import NIOCore
import NIOHTTP1
import Synchronization
package import Tasks

/// How files are fetched from addresses in requests.
package struct MediaFetchSettings: Sendable, Equatable {
    /// From the first connection to the last byte, redirects included.
    package var timeLimit: Duration
    /// Fetches at the same time; further ones are refused.
    package var concurrency: Int
    /// Redirects that are followed.
    package var redirects: Int

    package init(timeLimit: Duration = .seconds(30), concurrency: Int = 8, redirects: Int = 3) {
        self.timeLimit = timeLimit
        self.concurrency = concurrency
        self.redirects = redirects
    }
}

/// Fetches files from public addresses only.
///
/// Each address is judged after its name was resolved, and the connection goes to the very address that was judged. So it
/// is with every redirect.
package final class GuardedMediaFetcher: MediaFetcher {
    private let settings: MediaFetchSettings
    private let targets: TargetGuard
    private let pools: ConnectionPools
    private let userAgent: String
    private let logger: Logger
    private let underWay = Mutex(0)

    /// - Parameters:
    ///   - settings: bounds.
    ///   - policy: which addresses may be connected to.
    ///   - resolver: finds addresses behind names.
    ///   - trustRoots: whose certificates servers may have.
    ///   - userAgent: says who asks.
    ///   - group: where connections live.
    ///   - logger: gets hosts and codes, never paths.
    package init(
        settings: MediaFetchSettings = MediaFetchSettings(),
        policy: CallbackPolicy,
        resolver: any AddressResolver,
        trustRoots: TrustRoots = .system,
        userAgent: String,
        group: any EventLoopGroup,
        logger: Logger
    ) {
        self.settings = settings
        self.userAgent = userAgent
        self.logger = logger
        targets = TargetGuard(policy: policy, resolver: resolver)
        pools = ConnectionPools(group: group, settings: WebhookSettings(), trustRoots: trustRoots)
    }

    /// Ends every connection; nothing may be asked afterwards.
    package func close() async {
        await pools.close()
    }

    package func fetch(
        _ url: CallbackURL,
        limit: Int64,
        receive: @escaping @Sendable ([UInt8]) async throws -> Void
    ) async throws {
        let hasPlace = underWay.withLock { count in
            guard count < settings.concurrency else { return false }
            count += 1
            return true
        }
        guard hasPlace else {
            throw MediaFetchError(
                code: "media_fetch_busy", message: "Too many files are being fetched; try again soon.")
        }
        defer { underWay.withLock { $0 -= 1 } }
        do {
            try await withinTimeLimit { try await self.follow(url, limit, receive) }
        } catch {
            if let error = error as? MediaFetchError {
                logger.info("A file could not be fetched", metadata: ["host": "\(url)", "code": "\(error.code)"])
            }
            throw error
        }
    }

    /// Runs a fetch, and ends it when its time is over.
    private func withinTimeLimit(_ body: @escaping @Sendable () async throws -> Void) async throws {
        let limit = settings.timeLimit
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await body() }
            group.addTask {
                // Real time: this bounds a socket.
                try await Task.sleep(for: limit)
                throw MediaFetchError(
                    code: "media_fetch_timeout",
                    message: "The file did not arrive within \(limit.components.seconds) seconds."
                )
            }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    private func follow(
        _ url: CallbackURL,
        _ limit: Int64,
        _ receive: @escaping @Sendable ([UInt8]) async throws -> Void
    ) async throws {
        var text = url.text
        for _ in 0...settings.redirects {
            guard let next = try await get(text, limit, receive) else { return }
            text = next
        }
        throw MediaFetchError(code: "media_fetch_failed", message: "The address leads through too many redirects.")
    }

    /// Asks one address.
    ///
    /// - Returns: where it leads on to; `nil` once the file has been received.
    private func get(
        _ text: String,
        _ limit: Int64,
        _ receive: @escaping @Sendable ([UInt8]) async throws -> Void
    ) async throws -> String? {
        let endpoint: CallbackEndpoint
        do throws(CallbackRefusal) {
            endpoint = try CallbackEndpoint(text, policy: targets.policy)
        } catch {
            throw MediaFetchError(code: "media_fetch_forbidden", message: error.message)
        }
        let address: IPAddress
        do throws(DeliveryError) {
            address = try await targets.address(of: endpoint.host, attempt: 1)
        } catch {
            throw MediaFetchError(error)
        }
        let key = ConnectionPools.Key(endpoint: endpoint, address: address)
        let client = await pools.borrow(key)
        let result: Result<String?, any Error>
        do {
            result = .success(try await read(endpoint, from: client, limit, receive))
        } catch {
            result = .failure(error)
        }
        await pools.giveBack(key)
        return try result.get()
    }

    private func read(
        _ endpoint: CallbackEndpoint,
        from client: HTTPClient,
        _ limit: Int64,
        _ receive: @Sendable ([UInt8]) async throws -> Void
    ) async throws -> String? {
        var request = HTTPClientRequest(url: endpoint.receiver + endpoint.target)
        request.headers.add(name: "accept", value: "image/*, video/*")
        request.headers.add(name: "user-agent", value: userAgent)
        let response: HTTPClientResponse
        do {
            response = try await client.execute(request, timeout: TimeAmount(settings.timeLimit))
        } catch let error as DeliveryError {
            throw MediaFetchError(error)
        } catch {
            throw MediaFetchError(CallbackClient.deliveryError(error))
        }
        let status = Int(response.status.code)
        if (300..<400).contains(status), let location = response.headers.first(name: "location") {
            guard let base = URL(string: endpoint.receiver + endpoint.target),
                let next = URL(string: location, relativeTo: base)
            else { throw MediaFetchError(code: "media_fetch_failed", message: "A redirect leads nowhere.") }
            return next.absoluteString
        }
        guard status == 200 else {
            throw MediaFetchError(
                code: "media_fetch_failed", message: "The server of the file answered with \(status).")
        }
        let announced = response.headers.first(name: "content-length").flatMap(Int64.init)
        guard announced ?? 0 <= limit else { throw MediaFetchError.tooLarge(limit) }
        try await receiveBody(response.body, limit, receive)
        return nil
    }

    private func receiveBody(
        _ body: HTTPClientResponse.Body,
        _ limit: Int64,
        _ receive: @Sendable ([UInt8]) async throws -> Void
    ) async throws {
        var received: Int64 = 0
        var parts = body.makeAsyncIterator()
        while true {
            let part: ByteBuffer?
            do {
                part = try await parts.next()
            } catch {
                try Task.checkCancellation()
                throw MediaFetchError(CallbackClient.deliveryError(error))
            }
            guard let part else { return }
            received += Int64(part.readableBytes)
            guard received <= limit else { throw MediaFetchError.tooLarge(limit) }
            try await receive(Array(part.readableBytesView))
        }
    }
}

extension MediaFetchError {
    fileprivate static func tooLarge(_ limit: Int64) -> MediaFetchError {
        MediaFetchError(code: "media_too_large", message: "A file may have at most \(limit) bytes; this one has more.")
    }

    /// What a fault of a connection means here.
    fileprivate init(_ error: DeliveryError) {
        let code =
            switch error {
            case .addressForbidden: "media_fetch_forbidden"
            case .timeout: "media_fetch_timeout"
            case .nameUnresolved, .unreachable, .tlsFailed, .brokenAnswer, .resolverBusy: "media_fetch_failed"
            }
        let message =
            switch error {
            case .addressForbidden: "The host is not on the public Internet; the operator can allow its network."
            case .nameUnresolved: "The host's name could not be resolved."
            case .unreachable: "No connection to the host."
            case .timeout: "The host did not answer in time."
            case .tlsFailed: "No TLS with a certificate that is good for the host's name."
            case .brokenAnswer: "The answer was no HTTP, or broke off."
            case .resolverBusy: "Too many names wait to be resolved; try again soon."
            }
        self.init(code: code, message: message)
    }
}
