import Engine
import Logging
import Scheduling
import ServiceLifecycle
import Tasks

/// What looks into media and makes stills: this machine's installation, or that of a worker where the role has none.
struct MediaTools {
    let inspector: any MediaInspector
    let deriver: any VideoDeriver
    /// Ask others, and answer them.
    let services: [any Service]

    init(
        _ configuration: ServerConfiguration,
        _ role: ServerRole,
        _ coordination: (any Coordination)?,
        _ folder: SharedFolder,
        _ clock: any ServiceClock,
        _ logger: Logger
    ) {
        let here = PythonMediaInspector(settings: configuration.mediaSettings, logger: logger)
        let maker = PythonVideoDeriver(settings: configuration.mediaSettings, logger: logger)
        guard let coordination else {
            (inspector, deriver, services) = (here, maker, [])
            return
        }
        guard role.hasEngines else {
            let calls = RemoteCalls(coordination: coordination, clock: clock, logger: logger)
            let remote = RemoteMedia(calls: calls, folder: folder)
            (inspector, deriver, services) = (remote, remote, [calls])
            return
        }
        let handlers = RemoteMedia.handlers(here, maker, folder: folder)
        let calls = RemoteCalls(coordination: coordination, handlers: handlers, clock: clock, logger: logger)
        (inspector, deriver, services) = (here, maker, [calls])
    }
}
