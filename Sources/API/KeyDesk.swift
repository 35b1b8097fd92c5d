package import Access
package import Foundation
import HTTPTypes
import NIOCore
package import Tasks

/// What can be asked of keys.
package enum KeyOrder: Sendable {
    /// Makes one, from a body as `POST /api/v1/admin/keys` takes it.
    case create(Data, idempotencyKey: String? = nil)
    case list
    case show(KeyID)
    /// Changes one, by a body as `PATCH` takes it.
    case edit(KeyID, Data)
    /// Gives one a new secret, by a body that may be empty.
    case rotate(KeyID, Data)
    case revoke(KeyID)

    /// What the audit log calls it; `nil` if it is not written down.
    package var auditAction: String? {
        switch self {
        case .create: Route.keys.auditAction(for: .post)
        case .edit: Route.key.auditAction(for: .patch)
        case .rotate: Route.keyRotation.auditAction(for: .post)
        case .revoke: Route.key.auditAction(for: .delete)
        case .list, .show: nil
        }
    }
}

/// Takes orders for keys and answers them, bodies in and bodies out: what the HTTP API and the command line share.
package struct KeyDesk: Sendable {
    /// Why an order is not carried out, as the body of a problem.
    package struct Refusal: Error {
        package let body: Data
    }

    /// What came of an order.
    package struct Answer: Sendable {
        package let body: Data
        /// The key that was made or changed; `nil` for a list.
        package let key: KeyID?
        /// Whether something came into being by this very order.
        let isNew: Bool
    }

    private let keys: KeyAdministration
    private let clock: any ServiceClock

    package init(_ keys: KeyAdministration, clock: any ServiceClock) {
        self.keys = keys
        self.clock = clock
    }

    /// Carries out an order of somebody with the rights of an administrator.
    package func carryOut(_ order: KeyOrder) async throws(Refusal) -> Answer {
        do throws(Problem) {
            return try await answer(order)
        } catch {
            throw Refusal(body: Data(error.body(.made()).readableBytesView))
        }
    }

    /// The same for the HTTP API.
    ///
    /// - Parameters:
    ///   - order: what is wanted.
    ///   - tenant: for whom idempotency keys count.
    ///   - page: which part of a list.
    /// - Returns: what came of it.
    /// - Throws: why it is not carried out.
    func answer(
        _ order: KeyOrder,
        for tenant: TenantID = .standard,
        page: (before: KeyID?, limit: Int)? = nil
    ) async throws(Problem) -> Answer {
        switch order {
        case .create(let body, let idempotencyKey):
            let wire = try reading { () throws(MalformedJSON) in try KeyWire(new: Array(body)) }
            return try await asking { () async throws(KeyError) in
                issued(
                    try await keys.create(
                        wire.draft,
                        after: wire.violations,
                        idempotencyKey: idempotencyKey,
                        for: tenant
                    )
                )
            }
        case .list:
            return try await asking { () async throws(KeyError) in list(try await keys.keys(), page) }
        case .show(let id):
            return try await asking { () async throws(KeyError) in shown(try await keys.key(id)) }
        case .edit(let id, let body):
            let wire = try reading { () throws(MalformedJSON) in try KeyWire(edit: Array(body)) }
            return try await asking { () async throws(KeyError) in
                shown(try await keys.edit(id, wire.draft, after: wire.violations))
            }
        case .rotate(let id, let body):
            let wire = try reading { () throws(MalformedJSON) in try RotationWire(Array(body)) }
            return try await asking { () async throws(KeyError) in
                issued(
                    try await keys.rotate(
                        id,
                        graceSeconds: wire.graceSeconds,
                        withCallbackSecret: wire.wantsCallbackSecret,
                        after: wire.violations
                    )
                )
            }
        case .revoke(let id):
            return try await asking { () async throws(KeyError) in shown(try await keys.revoke(id)) }
        }
    }

    private func reading<Wire>(_ read: () throws(MalformedJSON) -> Wire) throws(Problem) -> Wire {
        do throws(MalformedJSON) { return try read() } catch { throw Problem(error) }
    }

    private func asking(_ ask: () async throws(KeyError) -> Answer) async throws(Problem) -> Answer {
        do throws(KeyError) { return try await ask() } catch { throw Problem(error) }
    }

    private func shown(_ key: AccessKey) -> Answer {
        var json = JSONWriter(capacity: 512)
        json.key(key, at: clock.wallTime())
        return Answer(body: json.data, key: key.id, isNew: false)
    }

    private func issued(_ issued: KeyAdministration.Issued) -> Answer {
        var json = JSONWriter(capacity: 512)
        json.key(issued.key, issued: issued, at: clock.wallTime())
        return Answer(body: json.data, key: issued.key.id, isNew: issued.isNew)
    }

    private func list(_ keys: [AccessKey], _ page: (before: KeyID?, limit: Int)?) -> Answer {
        var rest = keys[...]
        if let before = page?.before { rest = rest.drop { $0.id != before }.dropFirst() }
        let shown = page.map { rest.prefix($0.limit) } ?? rest
        let now = clock.wallTime()
        var json = JSONWriter(capacity: 128 + 512 * shown.count)
        json.object { json in
            json.key("keys")
            json.array { json in
                for key in shown { json.key(key, at: now) }
            }
            json.key("next_cursor")
            json.optional(shown.count < rest.count ? shown.last : nil) { json, last in json.string(last.id.rawValue) }
        }
        return Answer(body: json.data, key: nil, isNew: false)
    }
}

extension JSONWriter {
    fileprivate var data: Data { Data(buffer.readableBytesView) }
}
