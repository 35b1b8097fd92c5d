import Foundation
import NIOPosix
import Synchronization
package import Tasks

/// Asks the system, on threads of its own: a look-up blocks for as long as a name server likes.
package final class SystemAddressResolver: AddressResolver {
    /// Look-ups at the same time.
    ///
    /// As many stuck ones keep the others waiting, until the system gives them up. Those that nobody waits for any more
    /// are not begun.
    private static let threadCount = 8
    /// Look-ups that run or wait, at most.
    private static let limit = 256

    private let threads: NIOThreadPool
    private let timeLimit: Duration
    private let lookUp: @Sendable (String) -> Result<[IPAddress], DeliveryError>
    private let waiting = Mutex(0)

    /// - Parameter timeLimit: for one answer.
    package convenience init(timeLimit: Duration) {
        self.init(timeLimit: timeLimit, lookUp: Self.askSystem)
    }

    /// - Parameters:
    ///   - timeLimit: for one answer.
    ///   - threadCount: look-ups at the same time.
    ///   - lookUp: asks, and blocks for as long as that takes.
    init(
        timeLimit: Duration,
        threadCount: Int = threadCount,
        lookUp: @escaping @Sendable (String) -> Result<[IPAddress], DeliveryError>
    ) {
        self.timeLimit = timeLimit
        self.lookUp = lookUp
        threads = NIOThreadPool(numberOfThreads: threadCount)
        threads.start()
    }

    /// Ends the threads; those that are stuck end when their look-up does.
    package func close() {
        threads.shutdownGracefully { _ in }
    }

    package func addresses(of host: String) async throws(DeliveryError) -> [IPAddress] {
        let isFull = waiting.withLock { waiting in
            guard waiting < Self.limit else { return true }
            waiting += 1
            return false
        }
        guard !isFull else { throw .resolverBusy }
        let answer = FirstAnswer()
        threads.submit { [self] state in
            switch state {
            case .active where !answer.isGiven: answer.give(lookUp(host))
            case .active, .cancelled: answer.give(.failure(.nameUnresolved))
            }
            waiting.withLock { $0 -= 1 }
        }
        let limit = Task {
            try await Task.sleep(for: timeLimit)
            answer.give(.failure(.timeout))
        }
        defer { limit.cancel() }
        return try await withTaskCancellationHandler {
            await answer.value()
        } onCancel: {
            answer.give(.failure(.timeout))
        }.get()
    }

    private static func askSystem(_ host: String) -> Result<[IPAddress], DeliveryError> {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, nil, &hints, &list) == 0 else { return .failure(.nameUnresolved) }
        defer { freeaddrinfo(list) }
        var found: [IPAddress] = []
        var entry = list
        while let info = entry?.pointee {
            if let address = address(in: info), !found.contains(address) { found.append(address) }
            entry = info.ai_next
        }
        return found.isEmpty ? .failure(.nameUnresolved) : .success(found)
    }

    private static func address(in info: addrinfo) -> IPAddress? {
        guard let pointer = UnsafeRawPointer(info.ai_addr) else { return nil }
        switch info.ai_family {
        case AF_INET where Int(info.ai_addrlen) >= MemoryLayout<sockaddr_in>.size:
            let address = pointer.loadUnaligned(as: sockaddr_in.self).sin_addr
            return .v4(UInt32(bigEndian: address.s_addr))
        case AF_INET6 where Int(info.ai_addrlen) >= MemoryLayout<sockaddr_in6>.size:
            let address = pointer.loadUnaligned(as: sockaddr_in6.self).sin6_addr
            return withUnsafeBytes(of: address) { IPAddress(v6: Array($0)) }
        default:
            return nil
        }
    }
}

/// The first of several answers; later ones are dropped.
private final class FirstAnswer: Sendable {
    typealias Answer = Result<[IPAddress], DeliveryError>

    private enum State {
        case open
        case awaited(CheckedContinuation<Answer, Never>)
        case given(Answer)
    }

    private let state = Mutex(State.open)

    var isGiven: Bool {
        state.withLock { state in
            if case .given = state { true } else { false }
        }
    }

    func give(_ answer: Answer) {
        let waiter: CheckedContinuation<Answer, Never>? = state.withLock { state in
            switch state {
            case .open:
                state = .given(answer)
                return nil
            case .awaited(let waiter):
                state = .given(answer)
                return waiter
            case .given:
                return nil
            }
        }
        waiter?.resume(returning: answer)
    }

    func value() async -> Answer {
        await withCheckedContinuation { continuation in
            let answer: Answer? = state.withLock { state in
                if case .given(let answer) = state { return answer }
                state = .awaited(continuation)
                return nil
            }
            if let answer { continuation.resume(returning: answer) }
        }
    }
}
