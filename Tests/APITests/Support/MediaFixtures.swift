import Foundation
import Tasks
import TestSupport

extension ModelDescription {
    /// A model that takes everything.
    static let versatile = {
        var model = ModelDescription.fixture
        model.name = "versatile"
        model.inputs = Set(InputRole.allCases)
        model.stepCache = Set(StepCacheLevel.allCases)
        model.memoryModes = [.full, .modelOffload8Bit]
        model.sizes = [
            VideoSize(width: 672, height: 384), VideoSize(width: 512, height: 512), VideoSize(width: 384, height: 672),
        ]
        return model
    }()
}

extension ModelCatalog {
    /// One model that takes everything, and two LoRAs.
    static let versatile = ModelCatalog(
        models: [.versatile],
        loras: [
            LoRADescription(name: "film", fingerprint: String(repeating: "1", count: 64), bytes: 4096),
            LoRADescription(name: "ink", fingerprint: String(repeating: "2", count: 64), bytes: 8192),
        ]
    )
}

extension MediaID {
    /// The nth id of a fixed row.
    static func fixture(_ number: Int = 1) -> MediaID {
        guard let id = MediaID(String(format: "%064x", number)) else {
            preconditionFailure("The id of the fixture is not valid")
        }
        return id
    }
}

extension Upload {
    /// An upload of a kind: a picture of 640 × 360, or 6 s of video of that size.
    static func fixture(_ number: Int = 1, _ kind: MediaKind = .image, bytes: Int64 = 1234) -> Upload {
        let created = Timestamp(milliseconds: 1_795_406_400_000 + Int64(number))
        return Upload(
            media: Media(
                id: .fixture(number),
                bytes: bytes,
                kind: kind,
                format: kind == .image ? "png" : "mp4",
                width: 640,
                height: 360,
                numFrames: kind == .image ? 1 : 144,
                fps: kind == .image ? 0 : 24,
                seconds: kind == .image ? 0 : 6
            ),
            tenant: .standard,
            createdAt: created,
            expiresAt: created.advanced(by: .seconds(86_400))
        )
    }
}
