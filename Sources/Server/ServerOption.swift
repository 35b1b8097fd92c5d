import ArgumentParser
import Foundation

/// Which running server a command speaks to.
struct ServerOption: ParsableArguments {
    @Option(help: "The server's address.")
    var server = "http://127.0.0.1:5000"

    @OptionGroup var key: KeyOption

    /// - Throws: the exit code once it was printed that this is no address.
    func client() throws -> APIClient {
        try APIClient(address: server, key: key.value)
    }
}

/// The key that a command shows to the server.
struct KeyOption: ParsableArguments {
    static let environmentName = "ANIMATO_KEY"

    @Option(
        help: ArgumentHelp(
            "The key to show to the server. Better in ANIMATO_KEY, which no list of processes shows.",
            valueName: "animato_…"
        )
    )
    var key: String?

    /// `nil`: none is shown.
    var value: String? {
        let found = key ?? ProcessInfo.processInfo.environment[Self.environmentName]
        return found?.isEmpty == true ? nil : found
    }
}

extension APIClient {
    /// - Throws: the exit code once it was printed that this is no address.
    init(address: String, key: String?) throws {
        guard let url = URL(string: address), url.scheme != nil, url.host != nil else {
            throw Exit.because(Exit.unavailable, "\(address) is not an address; an example is http://127.0.0.1:5000")
        }
        self.init(server: url, key: key)
    }
}
