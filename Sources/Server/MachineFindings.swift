import API
import Foundation
import NIOCore
import NIOPosix
import TasksSQLite

/// What a server needs of a machine besides an engine: a place for its data, a port, and open files.
struct MachineFindings {
    /// Below this a server would soon be unable to keep a video.
    private static let leastFreeBytes: Int64 = 1 << 30
    /// Below this it will, some day.
    private static let fewFreeBytes: Int64 = 20 << 30
    /// Files that a server has open besides its connections.
    private static let ownFiles = 256

    /// Who has a port.
    enum PortState: Equatable {
        case free
        /// Animato, of a version.
        case ours(String)
        case taken
        case refused(String)
    }

    let configuration: ServerConfiguration

    /// In the order in which a start would need them.
    func findings() async -> [Finding] {
        var limit = rlimit()
        let files = getrlimit(Self.openFiles, &limit) == 0 ? Int64(clamping: limit.rlim_cur) : nil
        return directory() + [Self.finding(await portState(), of: port)]
            + (files.map { [Self.openFiles(allowed: $0, connections: configuration.http.maxConnections)] } ?? [])
    }

    // MARK: Data

    private func directory() -> [Finding] {
        let subject = "data directory"
        let directory: String
        do throws(ServerError) {
            directory = try Server.prepareDirectory(configuration.dataDirectory)
        } catch {
            return [Finding(.missing, subject, "\(error.message). Set data.directory.")]
        }
        guard access(directory, R_OK | W_OK | X_OK) == 0 else {
            let text = "\(directory) belongs to another user. Run as that user, or set data.directory."
            return [Finding(.missing, subject, text)]
        }
        let isInUse = SQLiteTaskStore.isInUse(path: OpenedStore.path(in: directory))
        let use = isInUse ? "a server runs on it" : "no server runs on it"
        return [Finding(.ok, subject, "\(directory), \(use)")] + [disk(directory)]
    }

    private func disk(_ directory: String) -> Finding {
        do {
            let attributes = try FileManager.default.attributesOfFileSystem(forPath: directory)
            let free = (attributes[.systemFreeSize] as? NSNumber)?.int64Value ?? 0
            return Self.disk(free: free, in: directory)
        } catch {
            return Finding(.missing, "disk", "\(directory): \(error.localizedDescription)")
        }
    }

    /// What free space comes to.
    static func disk(free: Int64, in directory: String) -> Finding {
        let text = "\(Examination.gibibytes(free)) free in \(directory)"
        if free < leastFreeBytes { return Finding(.missing, "disk", "\(text). Make room, or set data.directory.") }
        if free < fewFreeBytes { return Finding(.warning, "disk", "\(text), which will not do for many videos") }
        return Finding(.ok, "disk", text)
    }

    // MARK: Port

    private var port: String { "\(configuration.http.host):\(configuration.http.port)" }

    private func portState() async -> PortState {
        do {
            let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                // What was closed a moment ago is free, as it is for a server.
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                .bind(host: configuration.http.host, port: configuration.http.port).get()
            try await channel.close().get()
            return .free
        } catch let error as IOError where error.errnoCode == EADDRINUSE {
            return await version().map { .ours($0) } ?? .taken
        } catch let error as IOError {
            return .refused(String(cString: strerror(error.errnoCode)))
        } catch {
            return .refused("\(error)")
        }
    }

    /// The version of the Animato that has the port; `nil` if it is something else.
    private func version() async -> String? {
        let host = ["0.0.0.0", "::"].contains(configuration.http.host) ? "127.0.0.1" : configuration.http.host
        let name = host.contains(":") ? "[\(host)]" : host
        guard let url = URL(string: "\(configuration.http.scheme)://\(name):\(configuration.http.port)") else {
            return nil
        }
        // Whatever else answers there is no Animato.
        return try? await APIClient(server: url).version()
    }

    /// What the state of a port comes to.
    static func finding(_ state: PortState, of port: String) -> Finding {
        switch state {
        case .free: Finding(.ok, "port", "\(port) is free")
        case .ours(let version): Finding(.ok, "port", "Animato \(version) listens on \(port)")
        case .taken:
            Finding(.missing, "port", "\(port) is in use by another program. Stop it, or set http.port.")
        case .refused(let reason): Finding(.missing, "port", "\(port): \(reason). Set http.host and http.port.")
        }
    }

    // MARK: Open files

    #if canImport(Glibc)
    private static let openFiles = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    #else
    private static let openFiles = RLIMIT_NOFILE
    #endif

    /// What a limit of open files comes to.
    static func openFiles(allowed: Int64, connections: Int) -> Finding {
        let needed = connections + ownFiles
        guard allowed < Int64(needed) else { return Finding(.ok, "open files", "\(allowed) may be open") }
        return Finding(
            .warning,
            "open files",
            "\(allowed) may be open, and http.maxConnections is \(connections). Allow \(needed) with `ulimit -n`, or lower it."
        )
    }
}
