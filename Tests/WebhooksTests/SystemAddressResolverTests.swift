import Dispatch
import Synchronization
import Tasks
import Testing

@testable import Webhooks

struct SystemAddressResolverTests {
    @Test("The system knows this machine, and no name that is reserved for not being there")
    func system() async throws {
        let resolver = SystemAddressResolver(timeLimit: .seconds(10))
        defer { resolver.close() }
        let found = try await resolver.addresses(of: "localhost")
        #expect(found.contains { $0 == IPAddress("127.0.0.1") || $0 == IPAddress("::1") })
        await #expect(throws: DeliveryError.self) { try await resolver.addresses(of: "nobody.invalid") }
    }

    @Test("A look-up that is stuck costs its caller the time limit, and others nothing")
    func stuck() async throws {
        let release = DispatchSemaphore(value: 0)
        let resolver = SystemAddressResolver(timeLimit: .milliseconds(200), threadCount: 2) { host in
            if host == "stuck.test" { release.wait() }
            return .success([.v4(1)])
        }
        defer { resolver.close() }
        await #expect(throws: DeliveryError.timeout) { try await resolver.addresses(of: "stuck.test") }
        #expect(try await resolver.addresses(of: "quick.test") == [.v4(1)])
        release.signal()
    }

    @Test("A look-up that nobody waits for any more is not begun")
    func abandoned() async throws {
        let release = DispatchSemaphore(value: 0)
        let begun = Mutex<[String]>([])
        let resolver = SystemAddressResolver(timeLimit: .milliseconds(100), threadCount: 1) { host in
            begun.withLock { $0.append(host) }
            if host == "stuck.test" { release.wait() }
            return .success([.v4(1)])
        }
        defer { resolver.close() }
        await #expect(throws: DeliveryError.timeout) { try await resolver.addresses(of: "stuck.test") }
        await #expect(throws: DeliveryError.timeout) { try await resolver.addresses(of: "waiting.test") }
        release.signal()
        #expect(try await resolver.addresses(of: "last.test") == [.v4(1)])
        #expect(begun.withLock { $0 } == ["stuck.test", "last.test"])
    }

    @Test("More than may wait are turned away at once")
    func full() async throws {
        let release = DispatchSemaphore(value: 0)
        let resolver = SystemAddressResolver(timeLimit: .seconds(10), threadCount: 1) { _ in
            release.wait()
            release.signal()
            return .success([.v4(1)])
        }
        defer { resolver.close() }
        let busy = await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<300 {
                group.addTask {
                    do throws(DeliveryError) {
                        _ = try await resolver.addresses(of: "a.test")
                        return false
                    } catch {
                        // The first to be turned away lets the others go on.
                        release.signal()
                        return error == .resolverBusy
                    }
                }
            }
            return await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
        }
        #expect(busy > 0)
    }

    @Test("A caller that is cancelled waits no longer")
    func cancelled() async throws {
        let release = DispatchSemaphore(value: 0)
        let resolver = SystemAddressResolver(timeLimit: .seconds(600), threadCount: 1) { _ in
            release.wait()
            return .success([.v4(1)])
        }
        defer { resolver.close() }
        await withTaskGroup { group in
            group.addTask { _ = try? await resolver.addresses(of: "a.test") }
            group.cancelAll()
        }
        release.signal()
    }
}
