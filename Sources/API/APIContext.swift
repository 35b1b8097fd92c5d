import Hummingbird
import Tasks

/// What a request brings with it besides itself.
struct APIContext: InitializableFromSource {
    /// Whose tasks the request may see.
    ///
    /// The one place from which every route takes it.
    var tenant: TenantID

    init(source: ApplicationRequestContextSource) {
        tenant = .standard
    }
}
