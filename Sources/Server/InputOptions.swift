import ArgumentParser

/// The files that a video is made from.
struct InputOptions: ParsableArguments {
    @Option(
        name: [.customLong("image"), .long],
        help: ArgumentHelp("The first frame (also --start-image).", valueName: "file"),
        completion: .file(extensions: ["png", "jpg", "jpeg", "webp"])
    )
    var startImage: String?

    @Option(help: ArgumentHelp("The last frame.", valueName: "file"))
    var endImage: String?

    @Option(help: ArgumentHelp("A video to make anew.", valueName: "file"))
    var video: String?

    @Option(help: "How much of the video is made anew, 0.05 to 1.")
    var strength: Double?

    @Option(help: ArgumentHelp("Outlines, masks, depth or poses to follow.", valueName: "file"))
    var controlVideo: String?

    @Option(help: ArgumentHelp("A picture of the subject.", valueName: "file"))
    var refImage: String?

    /// Uploads each file and names it in a request.
    func upload(to client: APIClient, for request: inout APIClient.Request) async throws(APIClient.Failure) {
        if let startImage { request.startImage = try await client.upload(startImage) }
        if let endImage { request.endImage = try await client.upload(endImage) }
        if let video { request.video = try await client.upload(video) }
        if let controlVideo { request.controlVideo = try await client.upload(controlVideo) }
        if let refImage { request.refImage = try await client.upload(refImage) }
        request.strength = strength
    }
}
