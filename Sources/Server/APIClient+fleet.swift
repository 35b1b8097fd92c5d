import Foundation

/// Devices, the queue, and draining.
extension APIClient {
    struct Device: Decodable, Equatable {
        struct Engine: Decodable, Equatable {
            struct Work: Decodable, Equatable {
                var generations: Int
                var priority: String
                var progress: Task.Progress?
                var secondsLeft: Double?
            }

            var index: Int
            var state: String
            var model: String?
            var work: Work?
        }

        var id: String
        var kind: String
        var state: String
        var totalBytes: Int64
        var freeBytes: Int64
        var utilisation: Double?
        var temperatureCelsius: Double?
        var engines: [Engine]
    }

    struct Queue: Decodable, Equatable {
        var waiting: Int
        var running: Int
        var byPriority: [String: Int]
        var predictedWaitSeconds: Double?
        var draining: Bool
    }

    private struct DeviceList: Decodable {
        var devices: [Device]
    }

    func devices() async throws(Failure) -> [Device] {
        try decode(await send("GET", "api/v1/devices"), as: DeviceList.self).devices
    }

    func queue() async throws(Failure) -> Queue {
        try decode(await send("GET", "api/v1/queue"))
    }

    /// Drains one device, or lets it work again.
    func setDraining(_ isDraining: Bool, device: String) async throws(Failure) -> Device {
        let part = device.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
        var components = URLComponents(url: server, resolvingAgainstBaseURL: true)
        let path = (components?.percentEncodedPath ?? "").drop { $0 == "/" }
        components?.percentEncodedPath =
            "/\(path.isEmpty || path.hasSuffix("/") ? path : path + "/")api/v1/devices/\(part)/"
            + Self.verb(isDraining)
        guard let url = components?.url else { throw .unreachable("\(device) cannot be named in an address") }
        return try decode(await send(Call(method: "POST", url: url)))
    }

    /// Drains the whole server, or lets it work again.
    func setDraining(_ isDraining: Bool) async throws(Failure) -> Queue {
        try decode(await send("POST", "api/v1/\(Self.verb(isDraining))"))
    }

    private static func verb(_ isDraining: Bool) -> String { isDraining ? "drain" : "resume" }
}
