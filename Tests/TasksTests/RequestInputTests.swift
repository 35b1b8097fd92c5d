import Tasks
import TestSupport
import Testing

@Suite("Inputs of video requests")
struct RequestInputTests {
    @Test("What goes together is accepted and known by the hash of its content")
    func accepted() throws {
        let pictures = try parse {
            $0.inputs = [.startImage: .fixture("a"), .endImage: .fixture("b"), .refImage: .fixture("c")]
        }
        #expect(pictures.inputs == [.startImage: .fixture("a"), .endImage: .fixture("b"), .refImage: .fixture("c")])
        #expect(pictures.strength == nil)
        #expect(try parse { $0.inputs = [.video: .video("v")] }.inputs == [.video: .fixture("v")])
        #expect(try parse { $0.inputs = [.controlVideo: .video("v")] }.strength == nil)
        #expect(try parse { $0.inputs = [.endImage: .fixture("a")] }.inputs == [.endImage: .fixture("a")])
    }

    @Test("A file of the wrong kind is refused for what it was to be", arguments: InputRole.allCases)
    func wrongKind(role: InputRole) {
        let media: Media = role.kind == .image ? .video(frames: 1) : .picture()
        let found = violations { $0.inputs = [role: media] }
        #expect(found.map(\.field) == [role.rawValue])
        #expect(found.map(\.code) == [.unusableMedia])
        #expect(
            found.first?.message == "\(role.rawValue) must be "
                + (role.kind == .image ? "a picture; this is a video." : "a video; this is a picture.")
        )
    }

    @Test("A file that the model does not take is refused, there or missing", arguments: InputRole.allCases)
    func notTaken(role: InputRole) {
        var model = ModelDescription.versatile
        model.inputs.remove(role)
        let media: Media = role.kind == .image ? .picture() : .video()
        #expect(faults(for: model) { $0.inputs = [role: media] } == ["\(role.rawValue):not_allowed"])
        #expect(faults(for: model) { $0.missing = [role] } == ["\(role.rawValue):not_allowed"])
        let earlier = Violation(field: role.rawValue, code: .notAllowed, message: "No model here takes it.")
        #expect(violations(for: model, after: [earlier]) { $0.missing = [role] } == [earlier])
    }

    @Test("First and last frames do not go with a video to make anew, there or missing")
    func videoAndPictures() {
        let wanted = ["start_image:not_allowed", "end_image:not_allowed"]
        #expect(
            faults { $0.inputs = [.video: .video(), .startImage: .picture(), .endImage: .picture()] } == wanted
        )
        let earlier = Violation(field: "video", code: .unusableMedia, message: "There is no upload of this id.")
        #expect(
            faults(after: [earlier]) {
                $0.inputs = [.startImage: .picture()]
                $0.missing = [.video]
            } == ["video:unusable_media", "start_image:not_allowed"]
        )
        #expect(faults { $0.inputs = [.controlVideo: .video(), .refImage: .picture()] }.isEmpty)
    }

    @Test("What is missing has its violation already; if it has none, it is refused all the same")
    func missing() {
        let earlier = Violation(field: "start_image", code: .unusableMedia, message: "It is damaged.")
        #expect(violations(after: [earlier]) { $0.missing = [.startImage] } == [earlier])
        let both = ["start_image:unusable_media", "ref_image:unusable_media"]
        #expect(faults { $0.missing = [.startImage, .refImage] } == both)
        // What was not looked for because of another fault is no fault of its own.
        #expect(
            faults {
                $0.missing = [.startImage]
                $0.width = 770
            } == ["width:not_a_multiple"]
        )
    }

    // MARK: Strength

    @Test("A video to make anew has a strength: the model's, or what was asked for, to the ends of the range")
    func strength() throws {
        #expect(try parse { $0.inputs = [.video: .video()] }.strength == 0.7)
        for strength in [0.05, 0.5, 1] {
            let request = try parse {
                $0.inputs = [.video: .video()]
                $0.strength = strength
            }
            #expect(request.strength == strength)
        }
    }

    @Test("A strength out of range is refused", arguments: [0, 0.049, 1.001, -1, .nan, .infinity])
    func badStrength(strength: Double) {
        let wanted = ["strength:out_of_range"]
        #expect(
            faults {
                $0.inputs = [.video: .video()]
                $0.strength = strength
            } == wanted
        )
    }

    @Test("A strength without a video to make anew is refused")
    func strengthAlone() {
        #expect(faults { $0.strength = 0.5 } == ["strength:not_allowed"])
        #expect(
            faults {
                $0.inputs = [.controlVideo: .video(), .refImage: .picture()]
                $0.strength = 0.5
            } == ["strength:not_allowed"]
        )
    }

    @Test("A strength for a video that is missing is judged as if it were there")
    func strengthOfMissing() {
        let earlier = Violation(field: "video", code: .unusableMedia, message: "It is damaged.")
        #expect(
            violations(after: [earlier]) {
                $0.missing = [.video]
                $0.strength = 0.5
            } == [earlier]
        )
        #expect(
            faults(after: [earlier]) {
                $0.missing = [.video]
                $0.strength = 2
            } == ["video:unusable_media", "strength:out_of_range"]
        )
    }

    @Test("Everything that is wrong with inputs is said at once, with all the rest")
    func allAtOnce() {
        let earlier = Violation(field: "ref_image", code: .unusableMedia, message: "It is damaged.")
        let found = faults(after: [earlier]) {
            $0.prompt = nil
            $0.height = 449
            $0.fps = 61
            $0.numFrames = 48
            $0.inputs = [.startImage: .video(), .endImage: .picture(), .video: .picture()]
            $0.missing = [.refImage]
            $0.strength = 7
            $0.stepCache = "max"
            $0.loras = [VideoRequest.Draft.LoRA(name: "noir", scale: 1)]
        }
        #expect(
            found == [
                "ref_image:unusable_media", "prompt:required", "height:not_a_multiple", "fps:out_of_range",
                "num_frames:wrong_frame_count", "start_image:unusable_media", "video:unusable_media",
                "start_image:not_allowed", "end_image:not_allowed", "strength:out_of_range", "step_cache:not_allowed",
                "loras:not_allowed",
            ]
        )
    }
}
