import Foundation
import NIOCore

/// A file that is written from its beginning to its end; closed when nobody holds it any more.
final class NewFile: Sendable {
    private let path: String
    private let descriptor: CInt

    init(_ path: String) throws(ResultStoreError) {
        self.path = path
        descriptor = Foundation.open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Disk.failure("create", path) }
    }

    deinit {
        close(descriptor)
    }

    func append(_ part: ByteBuffer) throws(ResultStoreError) {
        var rest = part
        while rest.readableBytes > 0 {
            let count = rest.withUnsafeReadableBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw Disk.failure("write", path) }
            rest.moveReaderIndex(forwardBy: count)
        }
    }
}
