import Engine
import Tasks

extension CostObservation {
    /// What an engine says of a video it has made.
    ///
    /// - Parameters:
    ///   - video: as reported.
    ///   - work: what was made.
    ///   - model: what made it.
    ///   - mode: how the model was held.
    ///   - kind: of the device.
    ///   - rows: generations that shared the pass.
    init(
        _ video: EngineVideo,
        _ work: Work,
        _ model: ModelFacts,
        mode: MemoryMode,
        on kind: DeviceKind,
        rows: Int = 1
    ) {
        self.init(
            work: work,
            model: model,
            mode: mode,
            kind: kind,
            rows: rows,
            steps: max(0, work.steps - video.resumedStep),
            load: video.seconds[.load],
            encode: video.seconds[.encode],
            denoise: video.seconds[.denoise],
            decode: video.seconds[.decode],
            write: video.seconds[.write]
        )
    }
}
