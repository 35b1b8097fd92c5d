import API
import Foundation
import Results
import Scheduling
import Tasks
import TasksRedis
import TasksSQLite
import Webhooks

/// What is kept, where, and for how long.
extension SettingsTable {
    static let storage: [Setting] = [
        .text("data.directory", \.dataDirectory, "Where tasks and videos are kept. One server a directory."),
        .optionalText(
            "storage.directory",
            \.storageDirectory,
            "Where videos, uploads, checkpoints and previews are kept: a folder that all machines of a deployment have. Nothing: the data directory."
        ),
        .optionalText(
            "worker.name",
            \.workerName,
            "What this machine is called where several make videos. Nothing: its host name."
        ),
        .redis(
            "store.url",
            \.redis,
            "The Redis or Valkey that all processes of a deployment share, as in redis://user:password@host:6379/0; rediss:// is with TLS. Nothing: a database in the data directory, for one process."
        ),
        .text(
            "store.prefix", \.redisStore.prefix,
            "In front of every key there, so that several deployments can share it."),
        .optionalText(
            "store.trustRoots",
            \.redisTrustRoots,
            "A PEM file of certificate authorities for rediss://, in place of those of the system."
        ),
        .integer("store.readers", \.store.readers, 1...64, "Threads that read the task database."),
        .integer(
            "store.waitingWrites",
            \.store.waitingWrites,
            1...1_000_000,
            "Writes that may wait for the disk; further requests get 503."
        ),
        .integer("store.cachedTasks", \.store.cachedTasks, 0...10_000_000, "Tasks kept in memory for polls."),
        .bool(
            "cache.perTenant",
            \.scheduling.isCachePerTenant,
            "Whether a tenant is answered only with videos that its own requests have made."
        ),
        .integer(
            "uploads.maxBytes", \.uploads.maxBytes, 1...67_108_864, "Limit of one uploaded or fetched file, in bytes."),
        .integer("uploads.quota", \.uploads.quota, 0...1 << 50, "Limit of all uploads of a tenant, in bytes."),
        .duration("uploads.lifetime", \.uploads.lifetime, 60...31_536_000, "How long an upload is kept."),
        .duration(
            "uploads.deadline",
            \.http.uploadDeadline,
            1...86_400,
            "From the head of an upload until the last byte of its body."
        ),
        .duration(
            "uploads.fetchTimeout",
            \.mediaFetch.timeLimit,
            1...3600,
            "How long fetching a file from an address in a request may take."
        ),
        .integer(
            "results.memoryEntries",
            \.memoryLevel.maxEntries,
            0...100_000,
            "The most wanted videos, kept in memory as well; 0 for none."
        ),
        .integer("results.memoryBytes", \.memoryLevel.maxBytes, 0...1 << 40, "Limit of these, in bytes."),
        .integer(
            "results.sharedEntries",
            \.redisLevel.maxEntries,
            0...100_000,
            "The most wanted small videos, kept in the Redis of store.url for all machines; 0 for none."
        ),
        .integer("results.sharedBytes", \.redisLevel.maxBytes, 0...1 << 40, "Limit of these, in bytes."),
        .optionalBytes(
            "results.maxBytes",
            \.retention.eviction.maxBytes,
            "Limit of all kept videos; beyond it, those used longest ago are let go. Nothing: no limit."
        ),
        .optionalDuration(
            "results.maxAge",
            \.retention.eviction.maxAge,
            "Videos that were not used for so long are let go. Nothing: never."
        ),
        .bool(
            "results.embedMetadata",
            \.scheduling.embedsMetadata,
            "Whether a video carries the prompt, the seed and the model as tags."
        ),
        .optionalText(
            "s3.bucket",
            \.s3.bucket,
            "Keeps videos in this bucket of an S3-compatible service. Nothing: in the data directory."
        ),
        .values(
            "s3.endpoint",
            \.s3.endpoints,
            accepts: "http:// or https:// address of a service; nothing: AWS",
            "Where the service is.",
            parse: { S3Endpoint($0) }
        ),
        .text("s3.region", \.s3.region, "The region that requests are signed for."),
        .optionalText("s3.prefix", \.s3.prefix, "In front of every key, as in animato/."),
        .optionalText("s3.accessKey", \.s3.accessKey, "The name of the key that requests are signed with."),
        .secret("s3.secretKey", \.s3.secretKey, minLength: 1, "The key itself."),
        .bool("s3.pathStyle", \.s3.usesPathStyle, "Whether the bucket is named in the path and not in the host."),
        .duration(
            "s3.linkLifetime",
            \.s3.linkLifetime,
            1...604_800,
            "How long the address that a client is sent to is good for."
        ),
        .duration(
            "retention.interval",
            \.retention.interval,
            0.1...86_400,
            "How often what is over is looked for. Each time a bounded amount of work is done."
        ),
        .optionalDuration(
            "retention.tasks",
            \.retention.retention.tasks,
            "How long tasks are kept after their end. Nothing: for ever, as for events, deliveries and keys."
        ),
        .optionalDuration("retention.events", \.retention.retention.events, "How long events are kept."),
        .optionalDuration(
            "retention.deliveries",
            \.retention.retention.deliveries,
            "How long deliveries are kept after their end."
        ),
        .optionalDuration(
            "retention.checkpoints",
            \.retention.checkpoints,
            "How long the checkpoint of a generation that waits is kept. Nothing: until the generation ends."
        ),
        .optionalDuration(
            "retention.idempotencyKeys",
            \.retention.retention.idempotencyKeys,
            "How long an Idempotency-Key is remembered."
        ),
        .integer(
            "retention.scrubBytes",
            \.retention.scrubBytes,
            0...1 << 40,
            "Bytes of kept videos compared with their checksums each time; 0 for none."
        ),
        .duration(
            "retention.scrubPeriod",
            \.retention.scrubPeriod,
            1...31_536_000,
            "How often each kept video is compared with its checksum, if there is time for all."
        ),
    ]
}
