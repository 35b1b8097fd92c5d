/// What an engine says: `docs/engine-protocol.md`, "Engine to server".
///
/// Fields that are not listed there are ignored; those that are must be there and of their type.
enum EngineMessage: Sendable, Equatable {
    /// Once, first.
    struct Hello: Sendable, Equatable, Decodable {
        var `protocol`: Int
        var engineVersion: String
        var pid: Int32
        var device: String
        var memoryBytes: Int64
        var models: [EngineModel]
        var loras: [EngineLoRA]

        enum CodingKeys: String, CodingKey {
            case `protocol`
            case engineVersion = "engine_version"
            case pid
            case device
            case memoryBytes = "memory_bytes"
            case models
            case loras
        }
    }

    /// Instead of `hello`.
    struct Refused: Sendable, Equatable, Decodable {
        var code: String
        var message: String
    }

    /// The model is on the device.
    struct Loaded: Sendable, Equatable, Decodable {
        var seconds: Double
    }

    /// At the start of each stage and after each step.
    struct Progress: Sendable, Equatable, Decodable {
        var id: String
        var stage: EngineProgress.Stage
        var step: Int
        var totalSteps: Int

        enum CodingKeys: String, CodingKey {
            case id
            case stage
            case step
            case totalSteps = "total_steps"
        }
    }

    /// The checkpoint was good.
    struct Resumed: Sendable, Equatable, Decodable {
        var id: String
        var step: Int
    }

    /// A file of a step is on disk: a checkpoint or a preview.
    struct Saved: Sendable, Equatable, Decodable {
        var id: String
        var step: Int
        var bytes: Int64
    }

    /// The video is complete.
    struct Done: Sendable, Equatable, Decodable {
        var id: String
        var file: String
        var bytes: Int64
        var width: Int
        var height: Int
        var renderedWidth: Int
        var renderedHeight: Int
        var numFrames: Int
        var fps: Int
        var seed: UInt32
        var memoryMode: EngineMemoryMode
        /// 0: from the start.
        var resumedStep: Int
        /// By the step cache.
        var skippedSteps: Int
        /// Time in each stage.
        var seconds: [String: Double]
        /// Of the whole pass, on the device; where the engine can tell.
        var peakBytes: Int64?

        enum CodingKeys: String, CodingKey {
            case id
            case file
            case bytes
            case width
            case height
            case renderedWidth = "rendered_width"
            case renderedHeight = "rendered_height"
            case numFrames = "num_frames"
            case fps
            case seed
            case memoryMode = "memory_mode"
            case resumedStep = "resumed_step"
            case skippedSteps = "skipped_steps"
            case seconds
            case peakBytes = "peak_bytes"
        }
    }

    /// The device is free; only the files of these generations remain to be written.
    struct Released: Sendable, Equatable, Decodable {
        var ids: [String]
    }

    /// The model is off the device.
    struct Parked: Sendable, Equatable, Decodable {
        /// Of the device, where the engine can tell.
        var freeBytes: Int64?

        enum CodingKeys: String, CodingKey {
            case freeBytes = "free_bytes"
        }
    }

    /// The generation ended without a video.
    struct Failed: Sendable, Equatable, Decodable {
        /// Decides what the server does.
        enum Kind: String, Sendable {
            case invalidInput = "invalid_input"
            case outOfMemory = "out_of_memory"
            case cancelled
            case yielded
            case storage
            case loadFailed = "load_failed"
            case `internal`
        }

        var id: String
        var kind: Kind
        var code: String
        var message: String
        /// With `outOfMemory`: where it happened.
        var stage: EngineProgress.Stage?
        /// With `outOfMemory`, where the engine can tell: of the device, before the generation.
        var freeBytesBefore: Int64?
        /// The same, after the clean-up.
        var freeBytesAfter: Int64?

        enum CodingKeys: String, CodingKey {
            case id
            case kind
            case code
            case message
            case stage
            case freeBytesBefore = "free_bytes_before"
            case freeBytesAfter = "free_bytes_after"
        }
    }

    case hello(Hello)
    case refused(Refused)
    case loading
    case loaded(Loaded)
    case resumed(Resumed)
    case checkpointed(Saved)
    case preview(Saved)
    case progress(Progress)
    case released(Released)
    case done(Done)
    case failed(Failed)
    case parked(Parked)
}

extension EngineProgress.Stage: Decodable {}
extension EngineMessage.Failed.Kind: Decodable {}

extension EngineMessage: Decodable {
    private enum CodingKeys: String, CodingKey {
        case type
    }

    private enum Kind: String, Decodable {
        case hello
        case refused
        case loading
        case loaded
        case resumed
        case checkpointed
        case preview
        case progress
        case released
        case done
        case failed
        case parked
    }

    init(from decoder: any Decoder) throws {
        self =
            switch try decoder.container(keyedBy: CodingKeys.self).decode(Kind.self, forKey: .type) {
            case .hello: .hello(try Hello(from: decoder))
            case .refused: .refused(try Refused(from: decoder))
            case .loading: .loading
            case .loaded: .loaded(try Loaded(from: decoder))
            case .resumed: .resumed(try Resumed(from: decoder))
            case .checkpointed: .checkpointed(try Saved(from: decoder))
            case .preview: .preview(try Saved(from: decoder))
            case .progress: .progress(try Progress(from: decoder))
            case .released: .released(try Released(from: decoder))
            case .done: .done(try Done(from: decoder))
            case .failed: .failed(try Failed(from: decoder))
            case .parked: .parked(try Parked(from: decoder))
            }
    }

    /// The word on the wire, for messages to people.
    var name: String {
        switch self {
        case .hello: "hello"
        case .refused: "refused"
        case .loading: "loading"
        case .loaded: "loaded"
        case .resumed: "resumed"
        case .checkpointed: "checkpointed"
        case .preview: "preview"
        case .progress: "progress"
        case .released: "released"
        case .done: "done"
        case .failed: "failed"
        case .parked: "parked"
        }
    }
}
