import Hummingbird
import Scheduling

extension APIResponder {
    /// Shows how much there is to do, and how many devices that takes.
    func showScale(_ call: Call) async throws(Problem) -> Response {
        let status: ScaleStatus
        do { status = try await service.scale() } catch { throw Problem(error) }
        var json = JSONWriter(capacity: 256 + 128 * status.models.count)
        json.scale(status)
        return self.json(.ok, json.buffer, call.id)
    }
}
