import Foundation
import Logging
import NIOPosix
import Synchronization

extension FileResultStore {
    /// Files kept in `damaged/`.
    private static let damagedLimit = 20

    package func usage(oldest count: Int) async throws(ResultStoreError) -> ResultUsage {
        uses.withLock { $0.beginInventory() }
        defer { uses.withLock { $0.endInventory() } }
        var usage = ResultUsage(videos: 0, bytes: 0, oldest: [])
        var oldest = OldestVideos(limit: count)
        // One job a folder: between them the threads do what readers ask for.
        for folder in 0...UInt8.max {
            let videos = try await threads.blocking { () throws(ResultStoreError) in
                try self.inventory(of: "\(self.root)/videos/\([folder].hexadecimal)")
            }
            for video in videos {
                usage.videos += 1
                usage.bytes += video.bytes
                oldest.insert(video)
            }
        }
        usage.oldest = oldest.inOrder
        try await threads.blocking { () throws(ResultStoreError) in try self.staging.clearLeftovers() }
        return usage
    }

    package func remove(_ video: KeptVideo) async throws(ResultStoreError) -> Bool {
        try await threads.blocking { () throws(ResultStoreError) in
            try self.locked(video.name) { () throws(ResultStoreError) in
                guard !self.uses.withLock({ $0.isPinned(video.name) }) else { return false }
                if let status = try Disk.status(of: self.path(of: video.name)), status.modified > video.lastUsed {
                    return false
                }
                // The video first: what else is left after a crash here, the next inventory sweeps away.
                try Disk.remove(self.path(of: video.name))
                try self.removeCompanions(of: video.name)
                self.uses.withLock { $0.forget(video.name) }
                return true
            }
        }
    }

    package func verify(_ name: VideoName) async throws(ResultStoreError) -> Bool {
        try await contentThreads.blocking { () throws(ResultStoreError) in
            guard let file = try VideoFile.open(self.path(of: name)) else { return false }
            return try self.compare(file, name)
        }
    }

    /// Compares the content of an open file with its name, and sets it aside if they do not match; blocks.
    func compare(_ file: VideoFile, _ name: VideoName) throws(ResultStoreError) -> Bool {
        guard try file.contentName() == name else {
            try setAside(file, name)
            return false
        }
        uses.withLock { $0.noteVerified(name, bytes: file.bytes) }
        return true
    }

    private func setAside(_ file: VideoFile, _ name: VideoName) throws(ResultStoreError) {
        let isSetAside = try locked(name) { () throws(ResultStoreError) in
            // A whole one may have been taken over since this one was opened.
            guard try Disk.status(of: path(of: name))?.identity == file.status.identity else { return false }
            uses.withLock { $0.forget(name) }
            try Disk.move(path(of: name), to: "\(root)/damaged/\(name.hex).mp4")
            try removeCompanions(of: name)
            return true
        }
        guard isSetAside else { return }
        metrics.setAside()
        logger.error("A video is damaged and was set aside", metadata: ["video": "\(name)"])
        file.touch(now())
        try trimDamaged()
    }

    /// Keeps the last few damaged files.
    private func trimDamaged() throws(ResultStoreError) {
        var files: [(path: String, modified: Int64)] = []
        for name in try Disk.names(in: "\(root)/damaged") {
            let path = "\(root)/damaged/\(name)"
            if let status = try Disk.status(of: path) { files.append((path, status.modified)) }
        }
        for file in files.sorted(by: { $0.modified < $1.modified }).dropLast(Self.damagedLimit) {
            try Disk.remove(file.path)
        }
    }

    private func removeCompanions(of name: VideoName) throws(ResultStoreError) {
        try Disk.remove(sidecarPath(of: name))
        for variant in VideoVariant.allCases {
            try Disk.remove(path(of: variant, of: name))
        }
    }

    /// What one folder keeps; sweeps away what belongs to no video; blocks.
    private func inventory(of folder: String) throws(ResultStoreError) -> [KeptVideo] {
        var videos: [VideoName: KeptVideo] = [:]
        var companions: [VideoName: Int64] = [:]
        for entry in try Disk.names(in: folder) {
            guard let name = VideoName(entry.prefix(64)),
                let status = try Disk.status(of: "\(folder)/\(entry)")
            else { continue }
            if entry == "\(name).mp4" {
                videos[name] = KeptVideo(name: name, bytes: status.bytes, lastUsed: status.modified)
            } else {
                companions[name, default: 0] += status.bytes
            }
        }
        for (name, bytes) in companions {
            if videos[name] == nil {
                try sweep(name)
            } else {
                videos[name]?.bytes += bytes
            }
        }
        return Array(videos.values)
    }

    /// Removes what is left of a video, unless the video has come while the folder was read.
    private func sweep(_ name: VideoName) throws(ResultStoreError) {
        try locked(name) { () throws(ResultStoreError) in
            guard try Disk.status(of: path(of: name)) == nil else { return }
            try removeCompanions(of: name)
        }
    }
}
