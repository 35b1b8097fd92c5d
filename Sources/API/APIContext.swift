import Hummingbird
import NIOCore

/// What a request brings with it besides itself.
struct APIContext: InitializableFromSource {
    /// The connection that the request came over.
    let channel: any Channel

    init(source: ApplicationRequestContextSource) {
        channel = source.channel
    }
}
