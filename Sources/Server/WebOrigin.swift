import Foundation

/// An origin as browsers spell it: scheme, host in small letters, and the port where it is not the usual one.
enum WebOrigin {
    static func isValid(_ text: String) -> Bool {
        guard let url = URLComponents(string: text), let scheme = url.scheme, let host = url.host, !host.isEmpty,
            ["http", "https"].contains(scheme), url.user == nil, url.query == nil, url.fragment == nil,
            url.path.isEmpty, text == text.lowercased()
        else { return false }
        return url.port != (scheme == "http" ? 80 : 443)
    }
}
