import Foundation
import Logging
import NIOHTTP1
import Synchronization

extension S3ResultStore {
    /// Objects kept in `damaged/`.
    private static let damagedLimit = 20
    /// What belongs to no video is swept away when it is this old, in milliseconds.
    private static let sweepAge: Int64 = 86_400_000
    /// Objects swept away by one inventory, at most.
    private static let sweepLimit = 1_000

    package func usage(oldest count: Int) async throws(ResultStoreError) -> ResultUsage {
        var usage = ResultUsage(videos: 0, bytes: 0, oldest: [])
        var oldest = OldestVideos(limit: count)
        var leftovers: [S3Object] = []
        var group: [S3Object] = []
        // Keys come in order, so that what belongs to one video stands together, over the borders of pages too.
        try await list("\(prefix)videos/") { object in
            if object?.video != group.first?.video {
                if let video = self.kept(group) {
                    usage.videos += 1
                    usage.bytes += video.bytes
                    oldest.insert(video)
                } else if leftovers.count < Self.sweepLimit {
                    leftovers += group
                }
                group = []
            }
            if let object, object.video != nil { group.append(object) }
        }
        try await sweep(leftovers)
        usage.oldest = oldest.inOrder
        return usage
    }

    package func remove(_ video: KeptVideo) async throws(ResultStoreError) -> Bool {
        var objects: [S3Object] = []
        try await list(key(of: video.name, "")) { object in
            if let object { objects.append(object) }
        }
        if let now = kept(objects), now.lastUsed > video.lastUsed { return false }
        try await removeAll(objects, of: video.name)
        return true
    }

    /// Takes a video that is not what its name says out of the way.
    func setAside(_ name: VideoName) async throws(ResultStoreError) {
        memory.withLock { $0.forget(name) }
        let source = S3Signature.encoded("/\(client.settings.bucket)/\(key(of: name, "mp4"))", keepingSlashes: true)
        let copied = try await client.send(
            S3Request(method: .PUT, key: "\(prefix)damaged/\(name).mp4", headers: [("x-amz-copy-source", source)])
        )
        // Another reader may have been first; and a copy may fail with status 200.
        guard copied.isFound, S3XML.text(of: "Code", in: copied.text) == nil else { return }
        metrics.setAside()
        logger.error("A video is damaged and was set aside", metadata: ["video": "\(name)"])
        var objects: [S3Object] = []
        try await list(key(of: name, "")) { object in
            if let object { objects.append(object) }
        }
        try await removeAll(objects, of: name)
        try await trimDamaged()
    }

    // MARK: Parts

    /// Shows every object below a prefix, in the order of keys, and `nil` at the end.
    private func list(_ prefix: String, _ show: (S3Object?) -> Void) async throws(ResultStoreError) {
        var next: String?
        repeat {
            var query = [("list-type", "2"), ("prefix", prefix)]
            if let next { query.append(("continuation-token", next)) }
            let answer = try await client.send(S3Request(method: .GET, key: "", query: query))
            try answer.expectFound("a listing")
            let page = S3XML.page(answer.text)
            page.objects.forEach(show)
            next = page.next
        } while next != nil
        show(nil)
    }

    /// What the objects of one video are together; `nil` if the video itself is not among them.
    private func kept(_ objects: [S3Object]) -> KeptVideo? {
        guard let video = objects.first(where: { $0.fileName.hasSuffix(".mp4") }), let name = video.video else {
            return nil
        }
        return KeptVideo(
            name: name,
            bytes: objects.reduce(0) { $0 + $1.bytes },
            lastUsed: max(video.modified, memory.withLock { $0.lastUse(of: name) })
        )
    }

    /// The video first: what else is left after a crash here is swept away later.
    private func removeAll(_ objects: [S3Object], of name: VideoName) async throws(ResultStoreError) {
        memory.withLock { $0.forget(name) }
        for object in objects.sorted(by: { $0.fileName.hasSuffix(".mp4") && !$1.fileName.hasSuffix(".mp4") }) {
            try await client.send(S3Request(method: .DELETE, key: object.key))
        }
    }

    /// Removes what has belonged to no video for long enough.
    private func sweep(_ objects: [S3Object]) async throws(ResultStoreError) {
        let limit = WallClock.milliseconds() - Self.sweepAge
        for object in objects where object.modified < limit {
            guard let name = object.video,
                try await !client.send(S3Request(method: .HEAD, key: key(of: name, "mp4"))).isFound
            else { continue }
            try await client.send(S3Request(method: .DELETE, key: object.key))
        }
    }

    private func trimDamaged() async throws(ResultStoreError) {
        var objects: [S3Object] = []
        try await list("\(prefix)damaged/") { object in
            if let object { objects.append(object) }
        }
        for object in objects.sorted(by: { $0.modified < $1.modified }).dropLast(Self.damagedLimit) {
            try await client.send(S3Request(method: .DELETE, key: object.key))
        }
    }
}
