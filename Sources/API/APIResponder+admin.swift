import Access
import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdCore
import NIOCore
import Scheduling
import Tasks

/// Keys, tenants and devices, for administrators; and what everybody may know of themselves.
extension APIResponder {
    func showCaller(_ call: Call) async throws(Problem) -> Response {
        let usage: [TenantUsage]
        do { usage = try await service.usage() } catch { throw Problem(error) }
        var json = JSONWriter(capacity: 512)
        json.caller(
            call.caller,
            name: call.holder.keyName,
            usage: usage.first { $0.tenant == call.tenant } ?? TenantUsage(tenant: call.tenant)
        )
        return self.json(.ok, json.buffer, call.id)
    }

    func listTenants(_ call: Call) async throws(Problem) -> Response {
        let tenants: [TenantUsage]
        do { tenants = try await service.usage() } catch { throw Problem(error) }
        var json = JSONWriter(capacity: 64 + 160 * tenants.count)
        json.object { json in
            json.key("tenants")
            json.array { json in
                for usage in tenants.sorted(by: { $0.tenant.rawValue < $1.tenant.rawValue }) { json.usage(usage) }
            }
        }
        return self.json(.ok, json.buffer, call.id)
    }

    /// Lets a device's idle engines give up their models, and shows the device.
    func unloadDevice(_ call: Call) async throws(Problem) -> Response {
        guard let id = call.variable.removingPercentEncoding else { throw .deviceNotFound }
        do { try await service.unload(device: id) } catch { throw Problem(error) }
        guard let device = service.devices().first(where: { $0.id == id }) else { throw .deviceNotFound }
        var json = JSONWriter(capacity: 512)
        json.device(device)
        return self.json(.ok, json.buffer, call.id)
    }

    // MARK: Keys

    func listKeys(_ call: Call) async throws(Problem) -> Response {
        var query = QueryParameters(call.query, known: ["cursor", "limit"])
        let before = query.value("cursor", "a next_cursor") { $0.isEmpty ? nil : KeyID(rawValue: $0) }
        let limit = query.limit(settings)
        do { try query.check() } catch { throw Problem(error) }
        return json(try await keyDesk.answer(.list, page: (before, limit)), call)
    }

    func createKey(_ call: Call) async throws(Problem) -> Response {
        let idempotencyKey = try idempotencyKey(of: call.request)
        let body = try await call.request.jsonBody(limit: settings.maxBodyBytes)
        let order = KeyOrder.create(Data(body.readableBytesView), idempotencyKey: idempotencyKey)
        let answer = try await keyDesk.answer(order, for: call.tenant)
        var response = json(answer, call, status: answer.isNew ? .created : .ok)
        if let id = answer.key { response.headers[.location] = "\(call.origin)\(Route.keys.rawValue)/\(id)" }
        if !answer.isNew { response.headers[.idempotencyReplayed] = "true" }
        return response
    }

    func showKey(_ call: Call) async throws(Problem) -> Response {
        json(try await keyDesk.answer(.show(call.keyID)), call)
    }

    func editKey(_ call: Call) async throws(Problem) -> Response {
        let body = try await call.request.jsonBody(limit: settings.maxBodyBytes)
        return json(try await keyDesk.answer(.edit(call.keyID, Data(body.readableBytesView))), call)
    }

    func rotateKey(_ call: Call) async throws(Problem) -> Response {
        let body = try await call.request.optionalJSONBody(limit: settings.maxBodyBytes)
        return json(try await keyDesk.answer(.rotate(call.keyID, Data(body.readableBytesView))), call)
    }

    func revokeKey(_ call: Call) async throws(Problem) -> Response {
        json(try await keyDesk.answer(.revoke(call.keyID)), call)
    }

    private func json(_ answer: KeyDesk.Answer, _ call: Call, status: HTTPResponse.Status = .ok) -> Response {
        json(status, ByteBuffer(bytes: answer.body), call.id)
    }
}

extension Call {
    fileprivate var keyID: KeyID { KeyID(rawValue: String(variable)) }
}
