import Foundation
import Logging
import ServiceLifecycle
import Tasks

/// Tells the other processes of the deployment what this one has and does, and takes over what they tell.
///
/// It outlasts the work of this process: run it in the service group before the dispatcher.
package struct Presence: Service {
    /// Longest time between two reports, and shortest, however much happens.
    private static let interval: Duration = .seconds(1)
    private static let leastPause: Duration = .milliseconds(500)

    let coordination: any Coordination
    let deployment: Deployment
    let members: MemberBoard
    let book: CostBook
    let wake: WakeSignal
    let logger: Logger
    /// This process's devices as they are shown.
    let devices: @Sendable () -> [DeviceStatus]

    private var clock: any ServiceClock { deployment.clock }
    private var fleet: Fleet { deployment.fleet }

    package func run() async throws {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await follow(FleetOrder.drainTopic, takeDrain) }
            group.addTask { await follow(FleetOrder.deviceTopic, takeOrder) }
            group.addTask { await follow(RememberedCatalog.topic, takeCatalog) }
            group.addTask { await follow(Lesson.topic, takeLesson) }
            group.addTask { await tellLessons() }
            await keepAnnouncing()
            group.cancelAll()
        }
        do throws(TaskStoreError) {
            try await coordination.withdraw(deployment.identity.id)
        } catch {
            // It is forgotten in a few seconds anyway.
            logger.warning("This process could not be withdrawn", metadata: ["code": "\(error.code)"])
        }
    }

    // MARK: Who is there

    private func keepAnnouncing() async {
        await cancelWhenGracefulShutdown {
            var isDown = false
            while !Task.isCancelled {
                let seen = wake.count
                isDown = await round(wasDown: isDown)
                // The only error is the cancellation, which the loop looks for.
                try? await clock.sleep(for: Self.leastPause)
                await wake.wait(after: seen, atMost: Self.interval - Self.leastPause, clock)
            }
        }
    }

    /// Says what this process has, and reads what the others have.
    ///
    /// - Returns: whether nobody could be told or asked.
    private func round(wasDown: Bool) async -> Bool {
        do throws(TaskStoreError) {
            try await coordination.announce(try report(), for: MemberBoard.lifetime)
            let all = try await coordination.members()
            if members.take(all, at: deployment.now) { wake.signal() }
            try await agreeOnReference()
            try await remember()
            if wasDown { logger.info("The other processes can be reached again") }
            return false
        } catch {
            if !wasDown {
                logger.error("The other processes cannot be reached", metadata: ["code": "\(error.code)"])
            }
            return true
        }
    }

    private func report() throws(TaskStoreError) -> Member {
        let report = MemberReport(
            of: deployment.identity,
            board: deployment.board,
            fleet: fleet,
            devices: devices(),
            at: deployment.now
        )
        do {
            return Member(id: deployment.identity.id, report: try report.encoded())
        } catch {
            throw .unavailable("a report cannot be written: \(error)")
        }
    }

    /// All processes tell costs for the same make of device, whichever they have.
    private func agreeOnReference() async throws(TaskStoreError) {
        // Before the device was looked at its make is not known; who has no device is told with the models.
        guard deployment.agreedReference == nil, let device = fleet.devices.first,
            let snapshot = fleet.snapshot(of: device)
        else { return }
        let agreed = try await coordination.agree(on: "fleet.reference", proposing: Array(snapshot.name.utf8))
        deployment.agree(on: DeviceKind(name: String(decoding: agreed, as: UTF8.self)))
        book.forgetAppraisals()
    }

    /// Has the deployment remember the models that are there now.
    private func remember() async throws(TaskStoreError) {
        guard !deployment.board.descriptions.isEmpty else { return }
        let known = deployment.remembered ?? RememberedCatalog()
        let there = deployment.descriptions(at: deployment.now)
        let reference = deployment.agreedReference?.name ?? known.reference
        var next = known.renewed(by: there, at: clock.wallTime()) ?? known
        next.reference = reference
        guard next != known else { return }
        // What was read from JSON can be written as such.
        guard let bytes = try? next.encoded() else { return }
        try await coordination.post(bytes, to: RememberedCatalog.topic, keeping: 1)
    }

    // MARK: What is told

    private func follow(_ topic: String, _ take: @Sendable ([UInt8]) -> Void) async {
        for await message in coordination.messages(of: topic) { take(message) }
    }

    private func takeDrain(_ message: [UInt8]) {
        guard let order = FleetOrder.drain(reading: message) else { return }
        _ = fleet.setDraining(order.isDraining, device: nil)
        wake.signal()
    }

    private func takeOrder(_ message: [UInt8]) {
        guard let order = FleetOrder.device(reading: message), order.member == deployment.identity.id.rawValue else {
            return
        }
        let isKnown =
            switch order.action {
            case .drain: fleet.setDraining(true, device: order.device)
            case .resume: fleet.setDraining(false, device: order.device)
            case .unload: fleet.unload(device: order.device)
            }
        if isKnown {
            logger.info("An order for a device is carried out", metadata: ["order": "\(order.action.rawValue)"])
        }
        wake.signal()
    }

    private func takeCatalog(_ message: [UInt8]) {
        guard let catalog = RememberedCatalog(reading: message) else { return }
        deployment.remember(catalog)
        book.forgetAppraisals()
        wake.signal()
    }

    private func takeLesson(_ message: [UInt8]) {
        guard let lesson = Lesson(reading: message) else { return }
        book.take(lesson)
    }

    private func tellLessons() async {
        for await lesson in book.lessons() {
            do {
                try await coordination.post(try lesson.encoded(), to: Lesson.topic, keeping: Lesson.kept)
            } catch {
                // The next attempt teaches the same.
                logger.warning("What was learned could not be told", metadata: ["error": "\(error)"])
            }
        }
    }
}
