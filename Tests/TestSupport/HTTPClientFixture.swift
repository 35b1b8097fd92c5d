import Dispatch
import Foundation

/// One connection to a server on this machine, for requests that no HTTP client would send.
package final class HTTPClientFixture: Sendable {
    /// Why a client gave up.
    package enum Failure: Error, Equatable {
        case cannotConnect(Int32)
        case cannotSend(Int32)
        /// The server closed before a response was complete.
        case closed
        /// Nothing came for as long as the fixture waits.
        case timedOut
        case malformed(String)
    }

    private let descriptor: Int32

    /// Connects.
    ///
    /// - Parameters:
    ///   - port: where on the loopback address.
    ///   - patience: how long to wait for any one piece of an answer.
    ///   - receiveBuffer: bytes that the system keeps for a client that does not read; `nil` for its own choice.
    /// - Throws: `cannotConnect`.
    package init(port: Int, patience: Int = 10, receiveBuffer: Int32? = nil) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        if var size = receiveBuffer {
            setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<Int32>.size))
        }
        var timeout = timeval(tv_sec: patience, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(UInt16(truncatingIfNeeded: port).bigEndian)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        let connected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard connected == 0 else { throw Failure.cannotConnect(errno) }
    }

    deinit {
        close(descriptor)
    }

    /// Sends bytes as they are.
    package func send(_ bytes: [UInt8]) async throws {
        try await onOwnThread { [descriptor] in
            var rest = bytes[...]
            while !rest.isEmpty {
                let sent = rest.withUnsafeBytes {
                    Foundation.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
                }
                guard sent > 0 else { throw Failure.cannotSend(errno) }
                rest = rest.dropFirst(sent)
            }
        }
    }

    /// Sends text as it is.
    package func send(_ text: String) async throws {
        try await send(Array(text.utf8))
    }

    /// Sends a request with `Host` and, if there is a body, `Content-Length`.
    package func send(
        _ method: String,
        _ path: String,
        headers: [(String, String)] = [],
        body: String? = nil
    ) async throws {
        var text = "\(method) \(path) HTTP/1.1\r\nHost: localhost\r\n"
        for (name, value) in headers { text += "\(name): \(value)\r\n" }
        if let body { text += "Content-Length: \(body.utf8.count)\r\n" }
        try await send(text + "\r\n" + (body ?? ""))
    }

    /// Ends the sending half of the connection.
    package func endSending() {
        shutdown(descriptor, Int32(SHUT_WR))
    }

    /// Ends the connection at once.
    package func disconnect() {
        shutdown(descriptor, Int32(SHUT_RDWR))
    }

    /// Reads one response, informational ones included.
    ///
    /// - Parameter hasBody: `false` for the response to a `HEAD`.
    /// - Returns: the response.
    /// - Throws: if the server closes, is silent for too long, or does not speak HTTP.
    package func response(hasBody: Bool = true) async throws -> HTTPResponseFixture {
        try await onOwnThread { [descriptor] in
            var reader = HTTPResponseReader(descriptor: descriptor)
            return try reader.response(hasBody: hasBody)
        }
    }

    /// Reads at most a number of bytes; fewer only if the server closes.
    package func read(_ count: Int) async throws -> [UInt8] {
        try await onOwnThread { [descriptor] in
            var reader = HTTPResponseReader(descriptor: descriptor)
            return try reader.bytes(atMost: count)
        }
    }

    /// Reads until a text has come.
    ///
    /// - Parameter end: what the server is to send.
    /// - Returns: everything up to it, and it.
    /// - Throws: if the server closes before, or is silent for too long.
    package func read(through end: String) async throws -> String {
        try await onOwnThread { [descriptor] in
            var reader = HTTPResponseReader(descriptor: descriptor)
            var received: [UInt8] = []
            while !received.suffix(end.utf8.count).elementsEqual(end.utf8) {
                let next = try reader.bytes(atMost: 1)
                guard !next.isEmpty else { throw Failure.closed }
                received += next
            }
            return String(decoding: received, as: UTF8.self)
        }
    }

    /// Reads at a steady pace, which no other test can disturb; fewer bytes only if the server closes.
    ///
    /// - Parameters:
    ///   - count: bytes in all.
    ///   - step: bytes at a time.
    ///   - pause: seconds after each step.
    /// - Returns: how many came.
    /// - Throws: if the server is silent for too long.
    package func readSlowly(_ count: Int, step: Int, pause: Double) async throws -> Int {
        try await onOwnThread { [descriptor] in
            var reader = HTTPResponseReader(descriptor: descriptor)
            var received = 0
            while received < count {
                let read = try reader.bytes(atMost: min(step, count - received)).count
                guard read > 0 else { break }
                received += read
                Thread.sleep(forTimeInterval: pause)
            }
            return received
        }
    }

    /// Reads until the server closes, and returns what came.
    package func readToEnd() async throws -> [UInt8] {
        try await read(.max)
    }

    private func onOwnThread<Value: Sendable>(_ work: @escaping @Sendable () throws -> Value) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread { continuation.resume(with: Result { try work() }) }
        }
    }
}

/// Reads a response byte by byte, so that what follows it stays in the socket.
private struct HTTPResponseReader {
    let descriptor: Int32

    mutating func response(hasBody: Bool) throws -> HTTPResponseFixture {
        let lines = try head()
        let status = lines.first.flatMap { $0.split(separator: " ").dropFirst().first }.flatMap { Int($0) }
        guard let status else { throw HTTPClientFixture.Failure.malformed(lines.first ?? "") }
        let headers = lines.dropFirst().compactMap { line -> (name: String, value: String)? in
            guard let colon = line.firstIndex(of: ":") else { return nil }
            let value = line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
            return (String(line[..<colon]), value)
        }
        var response = HTTPResponseFixture(status: status, headers: headers, body: [])
        guard hasBody, status >= 200, status != 204, status != 304 else { return response }
        guard let length = response["Content-Length"].flatMap({ Int($0) }) else {
            throw HTTPClientFixture.Failure.malformed("There is no Content-Length")
        }
        response.body = try bytes(atMost: length)
        guard response.body.count == length else { throw HTTPClientFixture.Failure.closed }
        return response
    }

    mutating func bytes(atMost count: Int) throws -> [UInt8] {
        var result: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: min(count, 65_536))
        while result.count < count {
            let read = recv(descriptor, &chunk, min(chunk.count, count - result.count), 0)
            if read == 0 || read < 0 && errno == ECONNRESET { break }
            guard read > 0 else { throw HTTPClientFixture.Failure.timedOut }
            result.append(contentsOf: chunk[..<read])
        }
        return result
    }

    private mutating func head() throws -> [String] {
        var bytes: [UInt8] = []
        while !bytes.suffix(4).elementsEqual([13, 10, 13, 10]) {
            let next = try self.bytes(atMost: 1)
            guard !next.isEmpty else { throw HTTPClientFixture.Failure.closed }
            bytes += next
        }
        return String(decoding: bytes.dropLast(4), as: UTF8.self).components(separatedBy: "\r\n")
    }
}
