import Hummingbird
import HummingbirdCore
import Scheduling
import Tasks

extension APIResponder {
    /// Lists what requests can be made with.
    func listModels(_ call: Call) throws(Problem) -> Response {
        let catalog: ModelCatalog
        do { catalog = try service.catalog() } catch { throw Problem(error) }
        var json = JSONWriter(capacity: 256 + 1024 * catalog.models.count + 128 * catalog.loras.count)
        json.catalog(catalog)
        return self.json(.ok, json.buffer, call.id)
    }
}
