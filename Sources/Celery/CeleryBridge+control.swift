import Foundation
import Logging
import Redis
import Synchronization
import Tasks

extension CeleryBridge {
    /// The most tasks that an answer lists, and that one command revokes.
    private static let maxListed = 1000

    /// Carries out a command of Celery's remote control, and answers it.
    func handle(_ bytes: [UInt8]) async {
        guard let command = CeleryCommand(bytes, for: settings.worker) else { return }
        monitors.adjust(command.clock)
        let answer: JSON?
        do {
            answer = try await carryOut(command)
        } catch {
            logger.warning(
                "A command of Celery failed", metadata: ["command": "\(command.method)", "reason": "\(error)"])
            answer = ["error": "the server could not do it now"]
        }
        if let answer { await monitors.answer(command, answer) }
    }

    private func carryOut(_ command: CeleryCommand) async throws -> JSON? {
        switch command.method {
        case "ping": return ["ok": "pong"]
        case "hello":
            guard command.arguments["from_node"]?.text != settings.worker else { return nil }
            return ["revoked": [:], "clock": .integer(monitors.clock)]
        case "clock": return ["clock": .integer(monitors.clock)]
        case "active", "dump_active": return list(running: true)
        case "reserved", "dump_reserved": return list(running: false)
        case "scheduled", "dump_schedule": return try await scheduled()
        case "revoked", "dump_revoked":
            return .array(try await broker.revokedIDs(limit: Self.maxListed).map { .string($0) })
        case "registered", "dump_tasks": return [.string(settings.taskName)]
        case "active_queues": return [queue]
        case "stats": return stats
        case "conf", "dump_conf":
            return [
                "task_default_queue": .string(settings.queue),
                "result_expires": .integer(settings.resultExpires.components.seconds),
            ]
        case "query_task": return query(command)
        case "enable_events", "disable_events": return ["ok": "task events are always sent"]
        case "heartbeat":
            await monitors.publish(.workerHeartbeat(load()))
            return nil
        case "revoke": return try await revoke(command, terminate: command.arguments["terminate"]?.isTrue ?? false)
        case "terminate": return try await revoke(command, terminate: true)
        default: return ["error": .string("animato does not know the command \(command.method.prefix(60))")]
        }
    }

    /// Revokes tasks: those that wait anywhere will not be begun, and those that run stop if that is wanted.
    private func revoke(_ command: CeleryCommand, terminate: Bool) async throws -> JSON {
        let ids = Array(command.taskIDs.filter { (1...1024).contains($0.utf8.count) }.prefix(Self.maxListed))
        guard !ids.isEmpty else { return ["ok": "no task ids were given"] }
        try await broker.revoke(ids, now: clock.wallTime())
        for id in ids {
            if let open = tasks[id] {
                if terminate || !tasks.isRunning(id) { try await submissions.cancel(open.task, of: open.tenant) }
                tasks.poke(id)
            } else if let message = try await broker.undelay(id),
                case .task(let task) = CeleryMessage.read(message, taskName: settings.taskName)
            {
                try await revoke(task.brief, .revoked)
            }
        }
        return ["ok": .string("\(ids.count) tasks are revoked")]
    }

    // MARK: Answers

    private func list(running: Bool) -> JSON {
        .array(tasks.tasks(running: running, limit: Self.maxListed).map { request($0.brief, isRunning: running) })
    }

    private func scheduled() async throws -> JSON {
        let messages = try await broker.delayed(limit: 100)
        return .array(
            messages.compactMap { bytes in
                guard case .task(let message) = CeleryMessage.read(bytes, taskName: settings.taskName) else {
                    return nil
                }
                return [
                    "eta": .optional(message.brief.eta),
                    "priority": .integer(message.priority),
                    "request": request(message.brief, isRunning: false),
                ]
            }
        )
    }

    private func query(_ command: CeleryCommand) -> JSON {
        let ids: [String] =
            switch command.arguments["ids"] {
            case .string(let id)?: [id]
            case .array(let ids)?: ids.prefix(Self.maxListed).compactMap(\.text)
            default: []
            }
        return .object(
            ids.compactMap { id in
                guard let open = tasks[id] else { return nil }
                let isRunning = tasks.isRunning(id)
                return JSON.Member(
                    id, [isRunning ? "active" : "reserved", request(open.brief, isRunning: isRunning)])
            }
        )
    }

    private func request(_ brief: CeleryBrief, isRunning: Bool) -> JSON {
        [
            "id": .string(brief.id),
            "name": .string(brief.name),
            "type": .string(brief.name),
            "args": .string(brief.args),
            "kwargs": .string(brief.kwargs),
            "hostname": .string(settings.worker),
            "time_start": .null,
            "acknowledged": .bool(true),
            "delivery_info": [
                "exchange": "", "routing_key": .string(settings.queue), "priority": .integer(0),
                "redelivered": .bool(false),
            ],
            "worker_pid": isRunning ? .integer(ProcessInfo.processInfo.processIdentifier) : .null,
        ]
    }

    private var queue: JSON {
        [
            "name": .string(settings.queue),
            "exchange": ["name": .string(settings.queue), "type": "direct", "durable": .bool(true)],
            "routing_key": .string(settings.queue),
            "durable": .bool(true),
            "exclusive": .bool(false),
            "auto_delete": .bool(false),
            "no_ack": .bool(false),
            "alias": .null,
            "bindings": [],
        ]
    }

    private var stats: JSON {
        [
            "total": .object([JSON.Member(settings.taskName, .integer(processed.withLock { $0 }))]),
            "pid": .integer(ProcessInfo.processInfo.processIdentifier),
            "clock": .string(String(monitors.clock)),
            "uptime": .integer(max(0, startedAt.duration(to: clock.wallTime()).components.seconds)),
            "pool": [
                "implementation": "animato", "max-concurrency": .integer(settings.maxOpenTasks), "processes": [],
                "max-tasks-per-child": "N/A", "put-guarded-by-semaphore": .bool(false), "timeouts": [],
                "writes": [:],
            ],
            "broker": ["transport": "redis", "virtual_host": .string(String(settings.database))],
            "prefetch_count": .integer(CeleryBroker.batch),
            "rusage": [:],
        ]
    }
}
