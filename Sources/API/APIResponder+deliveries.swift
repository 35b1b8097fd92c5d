import Hummingbird
import HummingbirdCore
import Scheduling
import Tasks

extension APIResponder {
    func listDeliveries(_ call: Call) async throws(Problem) -> Response {
        let query: DeliveryListQuery
        do { query = try DeliveryListQuery(call.query, settings: settings) } catch { throw Problem(error) }
        return try await page(query, of: call.tenant, call, showsOwner: false)
    }

    /// Lists deliveries of every tenant, for administrators.
    func listAnyDeliveries(_ call: Call) async throws(Problem) -> Response {
        let query: DeliveryListQuery
        do {
            query = try DeliveryListQuery(call.query, settings: settings, takesTenant: true)
        } catch {
            throw Problem(error)
        }
        return try await page(query, of: query.tenant, call, showsOwner: true)
    }

    private func page(
        _ query: DeliveryListQuery,
        of tenant: TenantID?,
        _ call: Call,
        showsOwner: Bool
    ) async throws(Problem) -> Response {
        let page: DeliveryPage
        do {
            page = try await service.deliveries(
                matching: DeliveryQuery(
                    tenant: tenant,
                    status: query.status,
                    task: query.task,
                    before: query.before,
                    limit: query.limit
                )
            )
        } catch {
            throw Problem(error)
        }
        var json = JSONWriter(capacity: 128 + 1024 * page.deliveries.count)
        json.object { json in
            json.key("deliveries")
            json.array { json in
                for delivery in page.deliveries {
                    DeliveryWire(delivery: delivery, origin: call.origin, showsOwner: showsOwner).write(to: &json)
                }
            }
            json.key("next_cursor")
            json.optional(page.next) { json, next in json.string(String(next)) }
        }
        return self.json(.ok, json.buffer, call.id)
    }

    func redeliver(_ call: Call) async throws(Problem) -> Response {
        guard let id = DeliveryID(call.variable) else { throw .deliveryNotFound }
        return try await redeliver(id, of: call.tenant, call, showsOwner: false)
    }

    /// Sends a delivery again, whosever it is, for administrators.
    func redeliverAny(_ call: Call) async throws(Problem) -> Response {
        guard let id = DeliveryID(call.variable) else { throw .deliveryNotFound }
        let tenant: TenantID?
        do { tenant = try await service.owner(of: id.task) } catch { throw Problem(error) }
        guard let tenant else { throw .deliveryNotFound }
        return try await redeliver(id, of: tenant, call, showsOwner: true)
    }

    private func redeliver(
        _ id: DeliveryID,
        of tenant: TenantID,
        _ call: Call,
        showsOwner: Bool
    ) async throws(Problem) -> Response {
        let delivery: Delivery?
        do { delivery = try await service.redeliver(id, of: tenant) } catch { throw Problem(error) }
        guard let delivery else { throw .deliveryNotFound }
        var json = JSONWriter(capacity: 1024)
        DeliveryWire(delivery: delivery, origin: call.origin, showsOwner: showsOwner).write(to: &json)
        return self.json(.accepted, json.buffer, call.id)
    }
}
