import Engine
import Foundation
import Logging
import Results
import ServiceLifecycle
import Synchronization
import Tasks
import TasksSQLite
import TestSupport
import Testing

@testable import Scheduling

/// Several schedulers, as those of several processes, on one store, one folder and one coordination.
final class DeploymentWorld: Sendable {
    /// What a process is made of.
    struct Process: Sendable {
        let scheduler: VideoScheduler
        let group: ServiceGroup
        let running: Task<Void, any Error>
        fileprivate let results: FileResultStore
        fileprivate let media: FileMediaStore
    }

    let store: SQLiteTaskStore
    let coordination = LocalCoordination()
    let directory: String
    let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    private let processes = Mutex<[Process]>([])

    private init(store: SQLiteTaskStore, directory: String) {
        self.store = store
        self.directory = directory
    }

    static func with(_ body: (DeploymentWorld) async throws -> Void) async throws {
        try await withTemporaryDirectory { directory in
            let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            let store = try await SQLiteTaskStore.inMemory(clock: SystemClock(), logger: logger)
            let world = DeploymentWorld(store: store, directory: directory)
            do {
                try await body(world)
            } catch {
                Issue.record(error)
            }
            for process in world.processes.withLock({ $0 }) { try await world.end(process) }
            try await store.close()
        }
    }

    /// Starts a process.
    ///
    /// - Parameters:
    ///   - host: its machine.
    ///   - engines: none for one that only takes requests.
    /// - Returns: the process; it is ended with the world.
    /// - Throws: what the files say.
    func start(_ host: String, _ engines: [any VideoEngine] = []) throws -> Process {
        let results = try FileResultStore(directory: directory, isShared: true, logger: logger)
        let media = try FileMediaStore(directory: directory, isShared: true)
        let clock = SystemClock()
        let scheduler = VideoScheduler(
            store: store,
            deliveries: store,
            results: results,
            engines: engines,
            deriver: ScriptedVideoDeriver(),
            intake: MediaIntake(
                uploads: store,
                files: media,
                inspector: ScriptedMediaInspector.byFirstLine,
                fetcher: ScriptedMediaFetcher(),
                settings: UploadSettings(),
                clock: clock,
                logger: logger
            ),
            workspace: try Workspace(directory: directory, isShared: true),
            devices: {
                DeviceReport(
                    devices: engines.map {
                        DeviceSnapshot(id: $0.device, name: "Test 1", totalBytes: 1 << 36, freeBytes: 1 << 36)
                    }
                )
            },
            book: CostBook(file: nil, logger: logger),
            identity: MemberIdentity(role: engines.isEmpty ? .api : .worker, host: host, version: "1"),
            coordination: coordination,
            settings: .quick,
            clock: clock,
            logger: logger
        )
        let presence = try #require(scheduler.presence)
        let group = ServiceGroup(
            configuration: .init(
                services: [
                    presence, scheduler.reaper, scheduler.keeper, scheduler.forecaster, scheduler.dispatcher,
                ],
                logger: logger
            )
        )
        let process = Process(
            scheduler: scheduler,
            group: group,
            running: Task { try await group.run() },
            results: results,
            media: media
        )
        processes.withLock { $0.append(process) }
        return process
    }

    /// Ends a process as a signal would; returns when it has ended.
    func end(_ process: Process) async throws {
        let isKnown = processes.withLock { processes in
            let index = processes.firstIndex { $0.scheduler === process.scheduler }
            if let index { processes.remove(at: index) }
            return index != nil
        }
        guard isKnown else { return }
        await process.group.triggerGracefulShutdown()
        try await process.running.value
        try await process.results.close()
        try await process.media.close()
    }

    /// A small request for the model that a process knows first.
    func request(_ prompt: String, to process: Process, steps: Int = 4) async throws -> AdmissionRequest {
        let scheduler = process.scheduler
        let catalog = try await eventually("a model is known") { try? scheduler.catalog() }
        let model = try #require(catalog.models.first)
        var draft = VideoRequest.Draft()
        draft.prompt = prompt
        draft.numInferenceSteps = steps
        return AdmissionRequest(
            caller: Caller(tenant: .standard),
            video: try VideoRequest(draft, for: model),
            model: model.name
        )
    }

    func submit(_ prompt: String, to process: Process) async throws -> GenerationTask {
        try await process.scheduler.submit(try await request(prompt, to: process)).task
    }

    /// The task once it has a status, as a process sees it.
    @discardableResult
    func task(_ id: TaskID, reaches status: TaskStatus, at process: Process) async throws -> GenerationTask {
        try await eventually("\(status)") {
            let task = try await process.scheduler.task(id, of: .standard)
            return task?.status == status ? task : nil
        }
    }
}
