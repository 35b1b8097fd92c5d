import Tasks
import TestSupport

extension ModelDescription {
    /// A model that takes everything, with the sizes of EasyAnimate V5.1.
    static let versatile = {
        var model = ModelDescription.fixture
        model.name = "versatile"
        model.inputs = Set(InputRole.allCases)
        model.stepCache = Set(StepCacheLevel.allCases)
        model.sizes = [
            VideoSize(width: 672, height: 384), VideoSize(width: 512, height: 512), VideoSize(width: 384, height: 672),
        ]
        return model
    }()
}

extension Media {
    /// A picture of a size.
    static func picture(_ width: Int = 640, _ height: Int = 360) -> Media {
        var media = Media.fixture("picture")
        media.width = width
        media.height = height
        return media
    }

    /// A video of some length, in the form in which an engine process measures it.
    static func video(_ name: String = "video", frames: Int = 144, fps: Double = 24) -> Media {
        var media = Media.fixture(name)
        media.kind = .video
        media.format = "mp4"
        media.width = 640
        media.height = 360
        media.numFrames = frames
        media.fps = fps
        media.seconds = (Double(frames) / fps * 1000).rounded(.toNearestOrEven) / 1000
        return media
    }
}

/// A request for the model that takes everything, or for another one.
func parse(
    for model: ModelDescription = .versatile,
    loras: [LoRADescription] = [],
    after earlier: [Violation] = [],
    _ change: (inout VideoRequest.Draft) -> Void
) throws(RequestRejection) -> VideoRequest {
    var draft = VideoRequest.Draft()
    draft.prompt = "a cat"
    change(&draft)
    return try VideoRequest(draft, for: model, loras: loras, after: earlier)
}

/// What is wrong with a request, as `field:code`, in order.
func faults(
    for model: ModelDescription = .versatile,
    loras: [LoRADescription] = [],
    after earlier: [Violation] = [],
    _ change: (inout VideoRequest.Draft) -> Void
) -> [String] {
    violations(for: model, loras: loras, after: earlier, change).map { "\($0.field):\($0.code.rawValue)" }
}

/// What is wrong with a request.
func violations(
    for model: ModelDescription = .versatile,
    loras: [LoRADescription] = [],
    after earlier: [Violation] = [],
    _ change: (inout VideoRequest.Draft) -> Void
) -> [Violation] {
    do throws(RequestRejection) {
        _ = try parse(for: model, loras: loras, after: earlier, change)
        return []
    } catch {
        return error.violations
    }
}
