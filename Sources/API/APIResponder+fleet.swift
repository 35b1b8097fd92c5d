import Foundation
import Hummingbird
import HummingbirdCore
import Scheduling

extension APIResponder {
    func listDevices(_ call: Call) -> Response {
        let devices = service.devices()
        var json = JSONWriter(capacity: 128 + 512 * devices.count)
        json.object { json in
            json.key("devices")
            json.array { json in
                for device in devices { json.device(device) }
            }
        }
        return self.json(.ok, json.buffer, call.id)
    }

    /// Drains one device or lets it work again, and shows it.
    func setDraining(_ isDraining: Bool, ofDevice call: Call) async throws(Problem) -> Response {
        // Ids such as `cuda:0` may come with their colon spelt out.
        guard let id = call.variable.removingPercentEncoding else { throw .deviceNotFound }
        do { try await service.setDraining(isDraining, device: id) } catch { throw Problem(error) }
        guard let device = service.devices().first(where: { $0.id == id }) else { throw .deviceNotFound }
        var json = JSONWriter(capacity: 512)
        json.device(device)
        return self.json(.ok, json.buffer, call.id)
    }

    /// Drains the whole server or lets it work again, and shows its queue.
    func setDraining(_ isDraining: Bool, _ call: Call) async throws(Problem) -> Response {
        do { try await service.setDraining(isDraining, device: nil) } catch { throw Problem(error) }
        return try await showQueue(call)
    }

    func showQueue(_ call: Call) async throws(Problem) -> Response {
        let status: QueueStatus
        do { status = try await service.queueStatus() } catch { throw Problem(error) }
        var json = JSONWriter(capacity: 256)
        json.queue(status)
        return self.json(.ok, json.buffer, call.id)
    }
}
