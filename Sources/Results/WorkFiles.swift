import Foundation
import NIOCore
import NIOPosix

/// Small files that others write and rename into place, under names that we choose: checkpoints and previews.
package struct WorkFiles: Sendable {
    private let directory: String
    private let suffix: String
    private let isShared: Bool

    /// Creates the directory if need be, and removes what a process that died was writing.
    ///
    /// - Parameters:
    ///   - directory: absolute path.
    ///   - suffix: what every name ends with.
    ///   - isShared: other processes use the directory as well; else it is this one's alone.
    /// - Throws: `full`, `unavailable`.
    package init(directory: String, suffix: String, isShared: Bool = false) throws(ResultStoreError) {
        self.directory = directory
        self.suffix = suffix
        self.isShared = isShared
        try Disk.createDirectory(directory)
        for name in try Disk.names(in: directory) where name.hasSuffix(Self.partSuffix) {
            try Disk.removeLeftover("\(directory)/\(name)", isShared: isShared)
        }
    }

    /// Of what is being written; something random is before it.
    private static let partSuffix = ".part"

    /// Where the file of a name is.
    ///
    /// - Parameter name: letters, digits and dashes.
    /// - Returns: an absolute path.
    package func path(for name: String) -> String {
        "\(directory)/\(name)\(suffix)"
    }

    /// The file of a name, as it is now.
    ///
    /// - Parameters:
    ///   - name: as for `path`.
    ///   - limit: bytes; a larger file is as good as none.
    /// - Returns: its content and when it was written, in milliseconds since 1970; `nil` if there is none.
    /// - Throws: `unavailable`.
    package func read(
        _ name: String,
        limit: Int
    ) async throws(ResultStoreError) -> (bytes: [UInt8], modified: Int64)? {
        let path = path(for: name)
        return try await NIOThreadPool.singleton.blocking { () throws(ResultStoreError) in
            guard let file = try VideoFile.open(path) else { return nil }
            guard file.bytes <= limit else { return nil }
            return (Array(try file.content().readableBytesView), file.status.modified)
        }
    }

    /// When the file of a name was written, in milliseconds since 1970; `nil` if there is none.
    package func modified(_ name: String) async throws(ResultStoreError) -> Int64? {
        let path = path(for: name)
        return try await NIOThreadPool.singleton.blocking { () throws(ResultStoreError) in
            try Disk.status(of: path)?.modified
        }
    }

    /// Removes the file of a name if it was written before a moment, in milliseconds since 1970.
    package func remove(_ name: String, writtenBefore moment: Int64) async throws(ResultStoreError) {
        let path = path(for: name)
        try await NIOThreadPool.singleton.blocking { () throws(ResultStoreError) in
            guard let status = try Disk.status(of: path), status.modified < moment else { return }
            try Disk.remove(path)
        }
    }

    /// Removes the file of a name, and what is being written beside it.
    package func remove(_ name: String) async throws(ResultStoreError) {
        let (path, file, directory) = (path(for: name), name + suffix, directory)
        try await NIOThreadPool.singleton.blocking { () throws(ResultStoreError) in
            try Disk.remove(path)
            for part in try Disk.names(in: directory)
            where part.hasPrefix("\(file).") && part.hasSuffix(Self.partSuffix) {
                try Disk.remove("\(directory)/\(part)")
            }
        }
    }

    /// The names of files that are there, some of them; removes what processes that died have left beside them, where
    /// others write here.
    package func names(limit: Int) async throws(ResultStoreError) -> [String] {
        let (directory, suffix, isShared) = (directory, suffix, isShared)
        return try await NIOThreadPool.singleton.blocking { () throws(ResultStoreError) in
            let all = try Disk.names(in: directory)
            for name in all where isShared && name.hasSuffix(Self.partSuffix) {
                try Disk.removeLeftover("\(directory)/\(name)", isShared: true)
            }
            return all.filter { $0.hasSuffix(suffix) }.prefix(limit).map {
                String($0.dropLast(suffix.count))
            }
        }
    }
}
