import Tasks

/// An upload as it is kept.
struct UploadRecord: StoredRecord {
    var upload: Upload
    /// Rises with the order of creation.
    var number: Int64

    var name: Bytes { Names.upload(upload.media.id, of: upload.tenant) }

    var indexes: Set<IndexEntry> {
        let (media, tenant) = (Names.media(upload.media.id), upload.tenant)
        let expiry = upload.expiresAt.milliseconds
        return [
            .scored(Names.uploads(of: tenant), number.bytes + media, 0),
            .scored(Names.uploadExpiry, Names.pair(tenant, media), expiry),
            .scored(Names.uploadExpiry(of: tenant), media, expiry),
            .scored(Names.uploads(of: upload.media.id), Bytes(tenant.rawValue.utf8), expiry),
            .count(Names.uploadedBytes, Bytes(tenant.rawValue.utf8), upload.media.bytes),
        ]
    }

    init(upload: Upload, number: Int64) {
        self.upload = upload
        self.number = number
    }

    init(named name: Bytes, _ reader: inout RecordReader) throws {
        number = try reader.int64()
        let tenant = TenantID(rawValue: try reader.string())
        guard let id = MediaID(Names.text(ofHash: try reader.data())) else { throw DamagedRecord.short }
        let media = Media(
            id: id,
            bytes: try reader.int64(),
            kind: try reader.named(MediaKind.self),
            format: try reader.string(),
            width: try reader.int(),
            height: try reader.int(),
            numFrames: try reader.int(),
            fps: try reader.double(),
            seconds: try reader.double()
        )
        upload = Upload(
            media: media,
            tenant: tenant,
            createdAt: try reader.timestamp(),
            expiresAt: try reader.timestamp()
        )
    }

    func write(_ writer: inout RecordWriter) {
        let media = upload.media
        writer.put(number)
        writer.put(upload.tenant.rawValue)
        writer.put(Names.media(media.id))
        writer.put(media.bytes)
        writer.put(media.kind.rawValue)
        writer.put(media.format)
        writer.put(media.width)
        writer.put(media.height)
        writer.put(media.numFrames)
        writer.put(media.fps)
        writer.put(media.seconds)
        writer.put(upload.createdAt)
        writer.put(upload.expiresAt)
    }
}

/// What an idempotency key was used for, as it is kept.
struct IdempotencyRecord: StoredRecord {
    var name: Bytes
    var fingerprint: String
    /// The bytes of a task's id, or what else it stands for.
    var subject: Bytes
    var createdAt: Timestamp

    var indexes: Set<IndexEntry> {
        [.scored(Names.idempotencyAges, Bytes(name.dropFirst(2)), createdAt.milliseconds)]
    }

    init(_ idempotency: NewTask.Idempotency, of tenant: TenantID, for subject: Bytes, at now: Timestamp) {
        name = Names.idempotency(idempotency.key, of: tenant)
        fingerprint = idempotency.fingerprint
        self.subject = subject
        createdAt = now
    }

    init(named name: Bytes, _ reader: inout RecordReader) throws {
        self.name = name
        fingerprint = try reader.string()
        subject = try reader.data()
        createdAt = try reader.timestamp()
    }

    func write(_ writer: inout RecordWriter) {
        writer.put(fingerprint)
        writer.put(subject)
        writer.put(createdAt)
    }
}
