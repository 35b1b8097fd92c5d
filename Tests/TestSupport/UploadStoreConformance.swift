package import Tasks
import Testing

/// A store of uploads to be examined, with its own data and its own time.
package struct UploadStoreWorld: Sendable {
    package var store: any TaskStore & UploadStore
    package var clock: ManualClock
    /// Closes the store and opens it again on the same data; `nil` where nothing outlives it.
    package var reopen: (@Sendable () async throws -> any TaskStore & UploadStore)?

    package init(
        store: any TaskStore & UploadStore,
        clock: ManualClock,
        reopen: (@Sendable () async throws -> any TaskStore & UploadStore)? = nil
    ) {
        self.store = store
        self.clock = clock
        self.reopen = reopen
    }
}

/// The contract of `UploadStore` as behaviours; every implementation shows every one.
package struct UploadStoreConformance: Sendable, CustomTestStringConvertible {
    package let name: String
    package let check: @Sendable (UploadStoreWorld) async throws -> Void

    package var testDescription: String { name }

    package static let all: [UploadStoreConformance] = [
        .init(name: "What was added is found, by its tenant alone") { world in
            let upload = try await world.add("a")
            #expect(upload.createdAt == world.clock.wallTime())
            #expect(upload.expiresAt == world.clock.wallTime().advanced(by: .seconds(100)))
            #expect(try await world.store.upload(.fixture("a"), of: .standard) == upload)
            #expect(try await world.store.upload(.fixture("a"), of: TenantID(rawValue: "other")) == nil)
            #expect(try await world.store.upload(.fixture("b"), of: .standard) == nil)
        },
        .init(name: "Adding again only moves the end on, and needs no room") { world in
            let first = try await world.add("a", bytes: 60, quota: 60)
            world.clock.advance(by: .seconds(50))
            let second = try await world.add("a", bytes: 60, quota: 60)
            #expect(second.createdAt == first.createdAt)
            #expect(second.expiresAt == first.expiresAt.advanced(by: .seconds(50)))
            // A shorter life than it has already takes nothing away.
            let third = try await world.add("a", bytes: 60, quota: 60, lifetime: .seconds(1))
            #expect(third.expiresAt == second.expiresAt)
        },
        .init(name: "A tenant has as many bytes as its quota, and not one more; another has its own") { world in
            _ = try await world.add("a", bytes: 60, quota: 100)
            _ = try await world.add("b", bytes: 40, quota: 100)
            await #expect(throws: TaskStoreError.uploadQuotaExceeded(quota: 100)) {
                try await world.add("c", bytes: 1, quota: 100)
            }
            #expect(try await world.store.upload(.fixture("c"), of: .standard) == nil)
            _ = try await world.add("c", bytes: 100, quota: 100, tenant: TenantID(rawValue: "other"))
            await #expect(throws: TaskStoreError.uploadQuotaExceeded(quota: 5)) {
                try await world.add("d", bytes: 6, quota: 5, tenant: TenantID(rawValue: "third"))
            }
        },
        .init(name: "What is over is not there for anybody, and leaves room, before it is removed") { world in
            _ = try await world.add("a", bytes: 100, quota: 100)
            world.clock.advance(by: .seconds(100))
            #expect(try await world.store.upload(.fixture("a"), of: .standard) == nil)
            #expect(try await world.page().uploads.isEmpty)
            #expect(try await !world.store.removeUpload(.fixture("a"), of: .standard))
            #expect(try await world.store.neededMedia(of: [.fixture("a")]).isEmpty)
            _ = try await world.add("b", bytes: 100, quota: 100)
            let again = try await world.add("a", bytes: 0, quota: 100)
            #expect(again.createdAt == world.clock.wallTime())
        },
        .init(name: "Removing what is over is bounded") { world in
            for name in ["a", "b", "c"] { _ = try await world.add(name) }
            #expect(try await world.store.expireUploads(limit: 10) == 0)
            world.clock.advance(by: .seconds(100))
            _ = try await world.add("d")
            #expect(try await world.store.expireUploads(limit: 2) == 2)
            #expect(try await world.store.expireUploads(limit: 2) == 1)
            #expect(try await world.store.expireUploads(limit: 2) == 0)
            #expect(try await world.page().uploads.map(\.media.id) == [.fixture("d")])
        },
        .init(name: "Pages are newest first and stay so while uploads are added") { world in
            for name in ["a", "b", "c", "d"] { _ = try await world.add(name) }
            let first = try await world.page(limit: 2)
            #expect(first.uploads.map(\.media.id) == [.fixture("d"), .fixture("c")])
            _ = try await world.add("e")
            _ = try await world.add("a")
            let second = try await world.page(before: first.next, limit: 2)
            #expect(second.uploads.map(\.media.id) == [.fixture("b"), .fixture("a")])
            #expect(second.next == nil)
            let other = UploadQuery(tenant: TenantID(rawValue: "other"), limit: 10)
            #expect(try await world.store.uploads(matching: other).uploads.isEmpty)
        },
        .init(name: "A tenant removes its own upload and no other's") { world in
            let other = TenantID(rawValue: "other")
            _ = try await world.add("a")
            _ = try await world.add("a", tenant: other)
            #expect(try await world.store.removeUpload(.fixture("a"), of: .standard))
            #expect(try await !world.store.removeUpload(.fixture("a"), of: .standard))
            #expect(try await world.store.upload(.fixture("a"), of: other) != nil)
            #expect(try await world.store.neededMedia(of: [.fixture("a")]) == [.fixture("a")])
        },
        .init(name: "A generation needs its files until it has ended, whatever becomes of the upload") { world in
            _ = try await world.add("a")
            let submitted = try await world.submit("one", bringing: "a")
            _ = try await world.submit("two", bringing: "a")
            #expect(try await world.store.removeUpload(.fixture("a"), of: .standard))
            let ids: [MediaID] = [.fixture("a"), .fixture("b")]
            #expect(try await world.store.neededMedia(of: ids) == [.fixture("a")])
            _ = try await world.store.cancel(submitted.task.id, of: .standard)
            #expect(try await world.store.neededMedia(of: ids) == [.fixture("a")])
            let request = ClaimRequest(owner: .unique(), duration: .seconds(30))
            let claimed = try #require(try await world.store.claim(request))
            #expect(claimed.generation.request.inputs == [.startImage: .fixture("a")])
            #expect(try await world.store.neededMedia(of: ids) == [.fixture("a")])
            try await world.store.requeue(claimed.lease, Requeue(delay: .zero, countsAsFailure: false, failure: nil))
            #expect(try await world.store.neededMedia(of: ids) == [.fixture("a")])
            let again = try #require(try await world.store.claim(request))
            try await world.store.finish(again.lease, with: .fixture(again))
            #expect(try await world.store.neededMedia(of: ids).isEmpty)
        },
        .init(name: "An idempotency key used again for the same file changes nothing, for another it is a conflict") {
            world in
            let first = try await world.add("a", idempotencyKey: "k")
            world.clock.advance(by: .seconds(50))
            #expect(try await world.add("a", idempotencyKey: "k") == first)
            await #expect(throws: TaskStoreError.idempotencyConflict(nil)) {
                try await world.add("b", idempotencyKey: "k")
            }
            #expect(try await world.page().uploads == [first])
            // Another tenant's keys are its own.
            _ = try await world.add("b", tenant: TenantID(rawValue: "other"), idempotencyKey: "k")
        },
        .init(name: "Tasks and uploads share their idempotency keys, and neither takes the other's") { world in
            let key = NewTask.Idempotency(key: "task", fingerprint: "f")
            let task = try await world.store.submit(.fixture("a", idempotency: key), queueLimit: 10).task
            await #expect(throws: TaskStoreError.idempotencyConflict(task.id)) {
                try await world.add("a", idempotencyKey: "task")
            }
            #expect(try await world.page().uploads.isEmpty)
            _ = try await world.add("a", idempotencyKey: "upload")
            let other = NewTask.Idempotency(key: "upload", fingerprint: "f")
            await #expect(throws: TaskStoreError.idempotencyConflict(nil)) {
                try await world.store.submit(.fixture("b", idempotency: other), queueLimit: 10)
            }
        },
        .init(name: "An upload that is refused has not used up its idempotency key") { world in
            await #expect(throws: TaskStoreError.uploadQuotaExceeded(quota: 5)) {
                try await world.add("a", quota: 5, idempotencyKey: "k")
            }
            _ = try await world.add("b", quota: 50, idempotencyKey: "k")
        },
        .init(name: "What tenants have uploaded is in what they use, until it is over") { world in
            let other = TenantID(rawValue: "other")
            _ = try await world.add("a", bytes: 10)
            _ = try await world.add("b", bytes: 7, lifetime: .seconds(10))
            _ = try await world.add("a", bytes: 10, tenant: other)
            #expect(
                try await world.store.usage() == [
                    TenantUsage(tenant: .standard, storageBytes: 17), TenantUsage(tenant: other, storageBytes: 10),
                ]
            )
            world.clock.advance(by: .seconds(10))
            #expect(try await world.store.usage().first == TenantUsage(tenant: .standard, storageBytes: 10))
        },
        .init(name: "Closing and opening again loses nothing") { world in
            let upload = try await world.add("a")
            _ = try await world.submit("one", bringing: "b")
            guard let reopen = world.reopen else { return }
            let store = try await reopen()
            #expect(try await store.upload(.fixture("a"), of: .standard) == upload)
            #expect(try await store.neededMedia(of: [.fixture("b")]) == [.fixture("b")])
        },
    ]
}

extension UploadStoreWorld {
    func add(
        _ name: String,
        bytes: Int64 = 10,
        quota: Int64 = 1_000,
        lifetime: Duration = .seconds(100),
        tenant: TenantID = .standard,
        idempotencyKey: String? = nil
    ) async throws(TaskStoreError) -> Upload {
        try await store.add(
            .fixture(name, bytes: bytes),
            of: tenant,
            lifetime: lifetime,
            quota: quota,
            idempotencyKey: idempotencyKey
        )
    }

    func page(before: MediaID? = nil, limit: Int = 10) async throws -> UploadPage {
        try await store.uploads(matching: UploadQuery(tenant: .standard, before: before, limit: limit))
    }

    func submit(_ key: String, bringing name: String) async throws -> Submission {
        var task = try NewTask.fixture(key)
        task.request = try .fixture(key, bringing: name)
        return try await store.submit(task, queueLimit: 100)
    }
}

extension MediaID {
    /// The id of a file that a short name stands for.
    package static func fixture(_ name: String) -> MediaID {
        let digits = name.utf8.map { String($0, radix: 16) }.joined()
        let padded = String((digits + String(repeating: "0", count: 64)).prefix(64))
        guard let id = MediaID(padded) else { preconditionFailure("no name of a file: \(name)") }
        return id
    }
}

extension Media {
    /// A picture that a short name stands for.
    package static func fixture(_ name: String = "a", bytes: Int64 = 10) -> Media {
        Media(
            id: .fixture(name),
            bytes: bytes,
            kind: .image,
            format: "png",
            width: 640,
            height: 480,
            numFrames: 1,
            fps: 0,
            seconds: 0
        )
    }
}

extension VideoRequest {
    /// A request that starts from a picture.
    package static func fixture(_ prompt: String, bringing name: String) throws -> VideoRequest {
        var draft = Draft()
        draft.prompt = prompt
        draft.inputs = [.startImage: .fixture(name)]
        var model = ModelDescription.fixture
        model.inputs = [.startImage]
        return try VideoRequest(draft, for: model)
    }
}
