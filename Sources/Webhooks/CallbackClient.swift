import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import Tasks

/// Sends one callback to the one address that was judged.
struct CallbackClient: Sendable {
    /// Of an answer's body, read and thrown away so that the connection can be used again; a longer one costs it.
    private static let maxBodyBytes = 65_536

    let targets: TargetGuard
    let pools: ConnectionPools
    let settings: WebhookSettings
    let userAgent: String

    /// Makes one attempt, of bounded length.
    ///
    /// - Parameters:
    ///   - body: JSON.
    ///   - url: the receiver.
    ///   - number: which attempt it is, from 1.
    ///   - headers: beside those that every callback has.
    /// - Returns: how it went; `nil` if the calling task was cancelled.
    func send(
        _ body: Data,
        to url: CallbackURL,
        attempt number: Int,
        headers: [(name: String, value: String)]
    ) async -> DeliveryPolicy.Attempt? {
        let timeout = settings.timeout
        return await withTaskGroup(of: DeliveryPolicy.Attempt?.self) { group in
            group.addTask {
                do throws(DeliveryError) {
                    return try await attempt(number, body, url, headers)
                } catch {
                    return Task.isCancelled ? nil : .failed(error)
                }
            }
            group.addTask {
                // Real time: this bounds a socket.
                try? await Task.sleep(for: timeout)
                return Task.isCancelled ? nil : .failed(.timeout)
            }
            defer { group.cancelAll() }
            return await group.next() ?? nil
        }
    }

    private func attempt(
        _ number: Int,
        _ body: Data,
        _ url: CallbackURL,
        _ headers: [(name: String, value: String)]
    ) async throws(DeliveryError) -> DeliveryPolicy.Attempt {
        // Read again: the operator's policy may have become stricter since the request came in.
        let endpoint: CallbackEndpoint
        do { endpoint = try CallbackEndpoint(url.text, policy: targets.policy) } catch { throw .addressForbidden }
        let address = try await targets.address(of: endpoint.host, attempt: number)
        let key = ConnectionPools.Key(endpoint: endpoint, address: address)
        let client = await pools.borrow(key)
        let result: Result<DeliveryPolicy.Attempt, DeliveryError>
        do {
            result = .success(try await post(body, endpoint, headers, client))
        } catch {
            result = .failure(Self.deliveryError(error))
        }
        await pools.giveBack(key)
        return try result.get()
    }

    private func post(
        _ body: Data,
        _ endpoint: CallbackEndpoint,
        _ headers: [(name: String, value: String)],
        _ client: HTTPClient
    ) async throws -> DeliveryPolicy.Attempt {
        // Put together from the parts that were judged, so that nobody can read the text in another way.
        var request = HTTPClientRequest(url: endpoint.receiver + endpoint.target)
        request.method = .POST
        request.headers.add(name: "content-type", value: "application/json")
        request.headers.add(name: "user-agent", value: userAgent)
        for header in headers { request.headers.add(name: header.name, value: header.value) }
        request.body = .bytes(ByteBuffer(bytes: body))
        let response = try await client.execute(request, timeout: TimeAmount(settings.timeout))
        await drain(response.body)
        let retryAfter = response.headers.first(name: "retry-after").flatMap(Int64.init)
        return .answered(status: Int(response.status.code), retryAfter: retryAfter.map { .seconds(max(0, $0)) })
    }

    /// Reads a short body to its end, for a second at most: the status is known already.
    private func drain(_ body: HTTPClientResponse.Body) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                var count = 0
                do {
                    for try await part in body {
                        count += part.readableBytes
                        if count > Self.maxBodyBytes { return }
                    }
                } catch {
                    // A body that breaks off changes nothing.
                    return
                }
            }
            group.addTask { try? await Task.sleep(for: .seconds(1)) }
            await group.next()
            group.cancelAll()
        }
    }

    /// What an error of the HTTP client means.
    static func deliveryError(_ error: any Error) -> DeliveryError {
        switch error {
        case let error as DeliveryError: error
        case let error as HTTPClientError:
            switch error {
            case .connectTimeout, .deadlineExceeded, .readTimeout, .writeTimeout, .getConnectionFromPoolTimeout:
                .timeout
            case .tlsHandshakeTimeout: .tlsFailed
            default: .brokenAnswer
            }
        case is NIOSSLError, is NIOSSLExtraError, is BoringSSLError: .tlsFailed
        case is NIOConnectionError, is IOError, is ChannelError: .unreachable
        default: .brokenAnswer
        }
    }
}
