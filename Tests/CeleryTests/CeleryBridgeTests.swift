import Foundation
import Redis
import Tasks
import TestSupport
import Testing

@testable import Celery

struct CeleryBridgeTests {
    private func id() -> String { UUID().uuidString.lowercased() }

    @Test("A task is told of from its acceptance to its end, and then nothing of it is left in the broker")
    func wholeLife() async throws {
        try await BridgeWorld().run { world in
            let id = id()
            try await world.push(world.message(id))
            _ = try await world.record(id, "RECEIVED")
            world.submissions.change(id) { task in
                task.status = .running
                task.generation.progress = GenerationProgress(stage: .denoise, step: 3, totalSteps: 9)
            }
            let progress = try await world.record(id, "PROGRESS")
            #expect(progress["result"]?["step"]?.int == 3)
            #expect(progress["result"]?["total_steps"]?.int == 9)
            world.submissions.change(id) { task in
                task.status = .succeeded
                task.finishedAt = Timestamp(milliseconds: 5)
            }
            let success = try await world.record(id, "SUCCESS")
            #expect(success["result"]?["task_id"]?.text == world.submissions.id(id)?.description)
            try await world.wait("it is still open") {
                let open = "_animato.\(world.queue).open.\(world.settings.worker)@store"
                return try await world.client.send(RedisCommand("EXISTS", open)).integer == 0 ? true : nil
            }
            #expect(try await world.length("taken.\(world.settings.worker)@store") == 0)
        }
    }

    @Test("A failure and a cancel are exceptions")
    func ends() async throws {
        try await BridgeWorld().run { world in
            let (failed, cancelled) = (id(), id())
            for id in [failed, cancelled] {
                try await world.push(world.message(id))
                _ = try await world.record(id, "RECEIVED")
            }
            world.submissions.change(failed) { task in
                task.status = .failed
                task.generation.failure = TaskFailure(code: "out_of_memory", message: "Ask for less.")
            }
            world.submissions.change(cancelled) { $0.status = .cancelled }
            let failure = try await world.record(failed, "FAILURE")
            #expect(failure["result"]?["exc_message"] == ["out_of_memory: Ask for less."])
            #expect(failure["code"] == "out_of_memory")
            let revoked = try await world.record(cancelled, "REVOKED")
            #expect(revoked["result"]?["exc_type"] == "TaskRevokedError")
        }
    }

    @Test("A message that cannot be accepted now stays until it can")
    func later() async throws {
        try await BridgeWorld().run { world in
            let id = id()
            world.submissions.answer { _ in .later(code: "queue_full", after: .milliseconds(10)) }
            try await world.push(world.message(id))
            try await world.wait("it is not tried again") { world.submissions.submitted >= 3 ? true : nil }
            #expect(try await world.length("taken.\(world.settings.worker)@store") == 1)
            world.submissions.answer { .accepted($0, .standard) }
            _ = try await world.record(id, "RECEIVED")
        }
    }

    @Test("The use of an id for something else does not touch what is known of it")
    func conflict() async throws {
        try await BridgeWorld().run { world in
            let (known, unknown) = (id(), id())
            _ = try await world.client.send(
                RedisCommand("SET", "celery-task-meta-\(known)", #"{"status": "SUCCESS", "result": 1}"#))
            world.submissions.answer { _ in .conflict(CeleryException("ValueError", "used", code: "conflict")) }
            for id in [known, unknown] { try await world.push(world.message(id)) }
            _ = try await world.record(unknown, "FAILURE")
            try await world.wait("they are not put aside") { try await world.length("dead") == 2 ? true : nil }
            #expect(try await world.record(known, "SUCCESS")["result"]?.int == 1)
        }
    }

    @Test("Garbage is put aside, a bounded number of it, and the next task is taken")
    func garbage() async throws {
        try await BridgeWorld { $0.maxMessageBytes = 4096 }.run { world in
            let (huge, good) = (id(), id())
            for _ in 0..<5 { try await world.push("garbage") }
            try await world.push(world.message(huge, ("W1tdLCB7", String(repeating: "A", count: 8192))))
            try await world.push(world.message(good))
            _ = try await world.record(good, "RECEIVED")
            #expect(try await world.record(huge, "FAILURE")["code"] == "message_too_long")
            try await world.wait("it is not put aside") { try await world.length("dead") == 6 ? true : nil }
        }
    }

    @Test("Lists are emptied in the order of their urgency")
    func priorities() async throws {
        let world = try await BridgeWorld { $0.maxOpenTasks = 1 }
        let (urgent, low) = (id(), id())
        _ = try await world.client.send(
            RedisCommand("LPUSH", world.queue + CeleryBroker.separator + "9", world.message(low)))
        try await world.push(world.message(urgent))
        try await world.run { world in
            _ = try await world.record(urgent, "RECEIVED")
            #expect(world.submissions.id(low) == nil)
            world.submissions.change(urgent) { $0.status = .succeeded }
            _ = try await world.record(low, "RECEIVED")
        }
    }

    @Test("What a dead bridge had is taken over, its open tasks only if they are on the same task store")
    func takeover() async throws {
        let world = try await BridgeWorld()
        let prefix = "_animato.\(world.queue)."
        let (taken, open, foreign) = (id(), id(), id())
        for (bridge, id) in [("dead@store", open), ("dead@elsewhere", foreign)] {
            let task = OpenTask(
                brief: CeleryBrief(id: id, name: "animato.generate"), task: world.submissions.put(id),
                tenant: .standard)
            _ = try await world.client.send(RedisCommand("HSET", prefix + "open." + bridge, id, task.bytes))
            _ = try await world.client.send(RedisCommand("ZADD", prefix + "bridges", 0, bridge))
        }
        _ = try await world.client.send(
            RedisCommand("LPUSH", prefix + "taken.dead@elsewhere", world.message(taken)))
        try await world.run { world in
            _ = try await world.record(taken, "RECEIVED")
            _ = try await world.record(open, "RECEIVED")
            #expect(try await world.client.send(RedisCommand("GET", "celery-task-meta-\(foreign)")).isNull)
            let left = try await world.client.send(RedisCommand("HLEN", prefix + "open.dead@elsewhere"))
            #expect(left.integer == 1)
        }
    }

    @Test("A command is answered in the list that is bound for it")
    func control() async throws {
        try await BridgeWorld().run { world in
            let list = "\(world.queue).reply.celery.pidbox"
            _ = try await world.client.send(
                RedisCommand(
                    "SADD", "_kombu.binding.reply.celery.pidbox", "\(world.queue)\u{6}\u{16}\u{6}\u{16}\(list)"))
            let body: JSON = [
                "method": "ping", "destination": [.string(world.settings.worker)], "ticket": "ticket-1",
                "reply_to": ["exchange": "reply.celery.pidbox", "routing_key": .string(world.queue)],
            ]
            let command = KombuEnvelope.outgoing(
                body, headers: [:], exchange: "celery.pidbox", routingKey: "", tag: "t")
            // Nobody hears what is published before the bridge has subscribed.
            let reply = try await world.wait("no answer") {
                _ = try await world.client.send(RedisCommand("PUBLISH", "/0.celery.pidbox", command.bytes))
                return try await world.client.send(RedisCommand("RPOP", list)).bytes
            }
            let envelope = try KombuEnvelope(reply)
            #expect(envelope.headers["ticket"] == "ticket-1")
            #expect(try JSONParser.parse(envelope.body)[world.settings.worker]?["ok"] == "pong")
        }
    }
}
