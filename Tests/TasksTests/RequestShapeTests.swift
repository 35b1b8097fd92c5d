import Tasks
import TestSupport
import Testing

/// What size and length follow from what a request brings.
@Suite("Sizes and lengths by what is given")
struct RequestShapeTests {
    private func size(
        for model: ModelDescription = .versatile,
        _ change: (inout VideoRequest.Draft) -> Void
    ) throws -> VideoSize {
        let request = try parse(for: model, change)
        return VideoSize(width: request.width, height: request.height)
    }

    // MARK: Size

    @Test(
        "The size has the aspect ratio nearest to that of the picture",
        arguments: [
            (1920, 1080, 672), (1000, 1000, 512), (1080, 1920, 384), (100, 1, 672), (1, 100, 384), (600, 500, 512),
            (500, 600, 512), (4, 3, 672), (3, 4, 384), (5, 4, 512),
        ]
    )
    func aspect(width: Int, height: Int, wanted: Int) throws {
        #expect(try size { $0.inputs = [.startImage: .picture(width, height)] }.width == wanted)
    }

    @Test("Ratios are compared by their quotient, so that upright and lying pictures fare alike")
    func quotient() throws {
        var model = ModelDescription.versatile
        let (square, lying) = (VideoSize(width: 512, height: 512), VideoSize(width: 1024, height: 512))
        let upright = VideoSize(width: 512, height: 1024)
        model.sizes = [square, lying, upright]
        // The middle between 1 and 2 is the root of 2; by difference it would be 1.5.
        for (long, isSquare) in [(140, true), (145, false)] {
            #expect(
                try size(for: model) { $0.inputs = [.startImage: .picture(long, 100)] } == (isSquare ? square : lying))
            #expect(
                try size(for: model) { $0.inputs = [.startImage: .picture(100, long)] } == (isSquare ? square : upright)
            )
        }
    }

    /// The video, the first frame, the control video, the last frame, the picture of the subject.
    @Test("One of all that is given decides, in a fixed order")
    func precedence() throws {
        let order: [InputRole] = [.startImage, .controlVideo, .endImage, .refImage]
        for (index, role) in order.enumerated() {
            var inputs: [InputRole: Media] = [:]
            for other in order[index...] {
                var media: Media = other.kind == .image ? .picture() : .video()
                media.width = other == role ? 100 : 1000
                media.height = 1000
                inputs[other] = media
            }
            #expect(try size { $0.inputs = inputs }.width == 384, "\(role)")
        }
        var video = Media.video()
        video.width = 100
        #expect(try size { $0.inputs = [.video: video, .refImage: .picture(), .controlVideo: .video()] }.width == 384)
    }

    @Test("A size that is asked for counts, and a side that is left out is the usual one")
    func askedSize() throws {
        let asked = try size {
            $0.inputs = [.startImage: .picture(1080, 1920)]
            $0.width = 640
            $0.height = 640
        }
        #expect(asked == VideoSize(width: 640, height: 640))
        let half = try size {
            $0.inputs = [.startImage: .picture(1080, 1920)]
            $0.width = 640
        }
        #expect(half == VideoSize(width: 640, height: 384))
    }

    @Test("Without a picture, or without sizes to choose from, the size is the usual one")
    func usualSize() throws {
        let usual = VideoSize(width: 672, height: 384)
        #expect(try size { _ in } == usual)
        var model = ModelDescription.versatile
        model.sizes = []
        #expect(try size(for: model) { $0.inputs = [.startImage: .picture(1, 2)] } == usual)
        #expect(try size { $0.inputs = [.startImage: .picture(0, 0)] } == usual)
    }

    @Test(
        "Pixels are not counted with a side that stands in for one that could not be read",
        arguments: ["width", "height"]
    )
    func unreadableSide(field: String) {
        var model = ModelDescription.versatile
        model.limits.maxPixels = 672 * 384
        let earlier = Violation(field: field, code: .wrongType, message: "\(field) must be a number.")
        #expect(
            violations(for: model, after: [earlier]) { if field == "width" { $0.height = 400 } else { $0.width = 688 } }
                == [earlier]
        )
    }

    // MARK: Length

    private func numFrames(
        for model: ModelDescription = .versatile,
        _ inputs: [InputRole: Media],
        fps: Int = 8
    ) throws -> Int {
        let request = try parse(for: model) {
            $0.inputs = inputs
            $0.fps = fps
        }
        return request.numFrames
    }

    @Test(
        "A request that names no length gets what there is of the video, in steps of the model, up to what is usual",
        arguments: [(1, 1), (4, 1), (5, 5), (8, 5), (24, 21), (25, 25), (48, 45), (49, 49), (50, 49), (1200, 49)]
    )
    func shorterVideo(available: Int, wanted: Int) throws {
        #expect(try numFrames([.video: .video(frames: available, fps: 8)]) == wanted)
        #expect(try numFrames([.controlVideo: .video(frames: available, fps: 8)]) == wanted)
    }

    @Test("What there is of a video depends on the rate that is asked for", arguments: [(8, 17), (16, 33), (24, 49)])
    func rate(fps: Int, wanted: Int) throws {
        #expect(try numFrames([.video: .video(frames: 51, fps: 24)], fps: fps) == wanted)
    }

    @Test("The shorter of two videos decides; pictures do not")
    func shorter() throws {
        let inputs: [InputRole: Media] = [
            .video: .video(frames: 30, fps: 8), .controlVideo: .video(frames: 22, fps: 8), .refImage: .picture(),
        ]
        #expect(try numFrames(inputs) == 21)
        #expect(try numFrames([.startImage: .picture()]) == 49)
    }

    @Test("More frames than the video has are refused, with how many there can be; as many as it has are not")
    func tooMany() throws {
        func found(_ asked: Int) -> [Violation] {
            violations {
                $0.inputs = [.video: .video(frames: 27, fps: 8)]
                $0.numFrames = asked
            }
        }
        #expect(found(25).isEmpty)
        #expect(found(29).map(\.field) == ["num_frames"])
        #expect(found(29).map(\.code) == [.outOfRange])
        #expect(
            found(29).first?.message == "num_frames must be at most 25: video has 27 frames at 8 fps; it is 29.")
        // Each is told once, and what is out of the model's range is told of that.
        #expect(found(28).map(\.code) == [.outOfRange])
        #expect(found(26).map(\.code) == [.wrongFrameCount])
        #expect(found(53).map(\.message) == ["num_frames must be from 1 to 49; it is 53."])
    }

    @Test("A whole video can be made anew at its own rate", arguments: [8, 12, 16, 24, 25, 29, 30, 50, 60])
    func wholeVideo(rate: Int) throws {
        let request = try parse {
            $0.inputs = [.video: .video(frames: 49, fps: Double(rate))]
            $0.fps = rate
            $0.numFrames = 49
        }
        #expect(request.numFrames == 49)
    }

    @Test("A video with too few frames for the model is refused as such, whatever length is asked for")
    func tooShort() {
        var model = ModelDescription.versatile
        model.limits.frames = 9...49
        let inputs: [InputRole: Media] = [.controlVideo: .video(frames: 8, fps: 8)]
        let found = violations(for: model) { $0.inputs = inputs }
        #expect(
            found.map(\.message) == [
                "control_video is too short: it has 8 frames at 8 fps; there must be at least 9."
            ])
        #expect(found.map(\.code) == [.unusableMedia])
        #expect(
            faults(for: model) {
                $0.inputs = inputs
                $0.numFrames = 10
            } == ["control_video:unusable_media", "num_frames:wrong_frame_count"]
        )
        // The least length that the model makes is above its limit if that is between two steps.
        model.limits.frames = 7...49
        #expect(faults(for: model) { $0.inputs = inputs } == ["control_video:unusable_media"])
        model.limits.frames = 5...49
        #expect(faults(for: model) { $0.inputs = inputs }.isEmpty)
    }

    @Test("A rate that is wrong says nothing of the frames")
    func wrongRate() {
        let video = Media.video(frames: 9, fps: 8)
        #expect(
            faults {
                $0.inputs = [.video: video]
                $0.fps = 0
                $0.numFrames = 49
            } == ["fps:out_of_range"]
        )
        let earlier = Violation(field: "fps", code: .wrongType, message: "fps must be a number.")
        #expect(
            violations(after: [earlier]) {
                $0.inputs = [.video: video]
                $0.numFrames = 49
            } == [earlier]
        )
    }

    @Test("A video in the place of a picture says nothing of the frames")
    func misplacedVideo() {
        #expect(
            faults {
                $0.inputs = [.startImage: .video(frames: 9, fps: 8)]
                $0.numFrames = 49
            } == ["start_image:unusable_media"]
        )
    }
}
