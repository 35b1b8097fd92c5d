import Crypto
import Foundation
package import Logging
import ServiceLifecycle
import Synchronization
package import Tasks

/// Every key, in memory: looking one up waits for nothing.
///
/// It is read again on every sign of the store and every few seconds. While the store does not answer, the last copy
/// counts.
package final class KeyRing: Service {
    private struct State {
        var keys: [KeyID: AccessKey] = [:]
        /// Of the read that the keys are from.
        var applied = 0
        var begun = 0
    }

    private let store: any KeyStore
    private let settings: AccessSettings
    private let clock: any ServiceClock
    private let logger: Logger
    private let state = Mutex(State())
    /// Of the key of the settings.
    private let settingsHash: SHA256.Digest?

    /// Begins with no keys: `load` reads them.
    ///
    /// - Parameters:
    ///   - store: where keys are kept.
    ///   - settings: may hold a key of their own.
    ///   - clock: for the pauses between reads.
    ///   - logger: gets the reads that fail.
    package init(store: any KeyStore, settings: AccessSettings, clock: any ServiceClock, logger: Logger) {
        self.store = store
        self.settings = settings
        self.clock = clock
        self.logger = logger
        settingsHash = settings.adminKey.map { SHA256.hash(data: Data($0.utf8)) }
    }

    /// Whether there never was a key, and none is in the settings: then nobody needs one.
    ///
    /// A key that was revoked or has expired counts, so that time alone never opens a server.
    package var isEmpty: Bool {
        settingsHash == nil && state.withLock { $0.keys.isEmpty }
    }

    /// The key of an id, whether or not it still opens anything.
    package subscript(id: KeyID) -> AccessKey? {
        state.withLock { $0.keys[id] }
    }

    /// What callbacks of tasks of a key are signed with, the newest first; none: the server's own secrets.
    package func callbackSecrets(of id: KeyID?) -> [String] {
        guard let id else { return [] }
        return self[id]?.callbackSecrets ?? []
    }

    /// Whether something is the hash of the key of the settings; in the same time whatever it is.
    func isSettingsKey(_ hash: SHA256.Digest) -> Bool {
        settingsHash.map { $0 == hash } ?? false
    }

    /// Reads the keys.
    ///
    /// - Throws: `overloaded`, `unavailable`; the keys are then those of before.
    package func load() async throws(TaskStoreError) {
        let number = state.withLock { state in
            state.begun += 1
            return state.begun
        }
        let keys = Dictionary(try await store.keys().map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
        state.withLock { state in
            // One that began later has seen more.
            guard number > state.applied else { return }
            state.applied = number
            state.keys = keys
        }
    }

    /// Keeps the keys up to date until shutdown.
    package func run() async throws {
        let (signs, sign) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        await withDiscardingTaskGroup { group in
            group.addTask {
                await cancelWhenGracefulShutdown {
                    for await _ in self.store.keyChanges() { sign.yield() }
                }
            }
            group.addTask {
                await cancelWhenGracefulShutdown {
                    repeat {
                        sign.yield()
                        // The only error is the cancellation, which the loop looks for.
                        try? await self.clock.sleep(for: self.settings.refreshInterval)
                    } while !Task.isCancelled
                }
                sign.finish()
            }
            for await _ in signs { await refresh() }
        }
    }

    private func refresh() async {
        do throws(TaskStoreError) {
            try await load()
        } catch {
            logger.error("The keys cannot be read; those read last count", metadata: ["code": "\(error.code)"])
        }
    }
}
