import Scheduling
import Synchronization
import Tasks

/// Takes files in as a test decides, and remembers what came.
///
/// A file whose first byte is `V` is a video, any other a picture; the same file always gets the same id.
final class ScriptedUploads: Sendable {
    struct State: Sendable {
        /// Newest first.
        var kept: [Upload] = []
        /// What was finished, in order.
        var files: [[UInt8]] = []
        var begun = 0
        /// Of every finished file, in order.
        var idempotencyKeys: [String?] = []
        var abandoned = 0
        /// Thrown by every write.
        var writeFailure: AdmissionError?
        /// Thrown when a file is finished.
        var finishFailure: AdmissionError?
        /// Thrown by every fetch.
        var fetchFailure: AdmissionError?
        var fetched: [CallbackURL] = []
        var lastQuery: UploadQuery?
    }

    private let state: Mutex<State>
    /// Waited for before each part is taken.
    let gate: Gate?
    /// Yields once for each part that was handed over.
    let parts: AsyncStream<Int>
    private let tellPart: AsyncStream<Int>.Continuation

    init(gate: Gate? = nil, _ change: (inout State) -> Void = { _ in }) {
        var state = State()
        change(&state)
        self.state = Mutex(state)
        self.gate = gate
        (parts, tellPart) = AsyncStream.makeStream()
    }

    var now: State { state.withLock { $0 } }

    func change<Value: Sendable>(_ change: @Sendable (inout State) -> Value) -> Value {
        state.withLock { change(&$0) }
    }

    func newUpload(of tenant: TenantID) -> any UploadSink {
        state.withLock { $0.begun += 1 }
        return Sink(uploads: self, tenant: tenant)
    }

    func fetch(_ url: CallbackURL, of tenant: TenantID) throws(AdmissionError) -> Upload {
        if let failure = state.withLock({ $0.fetchFailure }) { throw failure }
        return keep(Array(url.text.utf8), tenant) { $0.fetched.append(url) }
    }

    fileprivate func keep(
        _ file: [UInt8],
        _ tenant: TenantID,
        _ note: @Sendable (inout State) -> Void = { _ in }
    ) -> Upload {
        state.withLock { state in
            note(&state)
            state.files.append(file)
            let kind: MediaKind = file.first == UInt8(ascii: "V") ? .video : .image
            let number = file.reduce(1000) { ($0 &* 31 &+ Int($1)) & 0xFF_FFFF }
            var upload = Upload.fixture(number, kind, bytes: Int64(file.count))
            upload.tenant = tenant
            state.kept.insert(upload, at: 0)
            return upload
        }
    }

    private final class Sink: UploadSink {
        private let uploads: ScriptedUploads
        private let tenant: TenantID
        private let content = Mutex<[UInt8]>([])

        init(uploads: ScriptedUploads, tenant: TenantID) {
            self.uploads = uploads
            self.tenant = tenant
        }

        func write(_ part: [UInt8]) async throws(AdmissionError) {
            uploads.tellPart.yield(part.count)
            await uploads.gate?.wait()
            if let failure = uploads.now.writeFailure { throw failure }
            content.withLock { $0 += part }
        }

        func finish(idempotencyKey: String?) async throws(AdmissionError) -> Upload {
            uploads.change { $0.idempotencyKeys.append(idempotencyKey) }
            if let failure = uploads.now.finishFailure { throw failure }
            return uploads.keep(content.withLock { $0 }, tenant)
        }

        func abandon() async {
            uploads.change { $0.abandoned += 1 }
        }
    }
}

/// Holds up whoever comes until it is opened.
final class Gate: Sendable {
    private let opened: AsyncStream<Never>
    private let open: AsyncStream<Never>.Continuation

    init() {
        (opened, open) = AsyncStream.makeStream()
    }

    func wait() async {
        for await _ in opened {}
    }

    func unlock() {
        open.finish()
    }
}
