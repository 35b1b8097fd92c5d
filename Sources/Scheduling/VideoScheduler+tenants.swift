package import Results
package import Tasks

/// What doors for operators and for watchers ask.
extension VideoScheduler {
    package func owner(of id: TaskID) async throws(AdmissionError) -> TenantID? {
        do {
            return try await store.owner(of: id)
        } catch {
            throw .store(error)
        }
    }

    package func setPriority(
        _ priority: TaskPriority,
        of id: TaskID,
        of tenant: TenantID
    ) async throws(AdmissionError) -> GenerationTask? {
        do {
            return try await store.setPriority(priority.rank, of: id, of: tenant)
        } catch {
            throw .store(error)
        }
    }

    package func usage() async throws(AdmissionError) -> [TenantUsage] {
        do {
            return try await store.usage()
        } catch {
            throw .store(error)
        }
    }

    package func changes(of id: TaskID) -> AsyncStream<Void> {
        store.changes(of: id)
    }

    package func events(
        of id: TaskID,
        of tenant: TenantID,
        after sequence: Int64,
        limit: Int
    ) async throws(AdmissionError) -> [TaskEvent] {
        do {
            return try await store.events(of: id, of: tenant, after: sequence, limit: limit)
        } catch {
            throw .store(error)
        }
    }

    package func owns(_ tenant: TenantID, video: VideoName) async throws(AdmissionError) -> Bool {
        do {
            return try await store.owns(tenant, video: video.hex)
        } catch {
            throw .store(error)
        }
    }

    package func deliveries(matching query: DeliveryQuery) async throws(AdmissionError) -> DeliveryPage {
        do {
            return try await outbox.deliveries(matching: query)
        } catch {
            throw .store(error)
        }
    }

    package func redeliver(_ id: DeliveryID, of tenant: TenantID) async throws(AdmissionError) -> Delivery? {
        do {
            return try await outbox.redeliver(id, of: tenant)
        } catch {
            throw .store(error)
        }
    }
}
