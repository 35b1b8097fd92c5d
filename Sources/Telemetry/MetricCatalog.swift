/// Every metric that a server tells.
///
/// `docs/metrics.md` is compared with it by a test, and so is what a running server answers.
package enum MetricCatalog {
    package static let all: [MetricDescription] = summary + http + tasks + work + devices + results + delivery + process

    /// The names that the reference deployment's dashboards know.
    private static let summary: [MetricDescription] = [
        MetricDescription("active_tasks", .gauge, "Tasks that are being worked on."),
        MetricDescription("waiting_tasks", .gauge, "Tasks that wait for a device."),
        MetricDescription("gpu_util", .gauge, "Utilisation of a device, in percent.", labels: ["gpu_id"]),
    ]

    private static let http: [MetricDescription] = [
        MetricDescription("animato_build_info", .gauge, "1, for the version that runs.", labels: ["version"]),
        MetricDescription(
            "animato_http_requests_total",
            .counter,
            "Answered requests; the route is as in the API's description, or none.",
            labels: ["method", "route", "status"]
        ),
        MetricDescription(
            "animato_http_request_duration_seconds",
            .histogram(bounds: MetricBounds.answers),
            "From the head of a request to the head of its response; a wait that the client asked for is left out.",
            labels: ["route"]
        ),
        MetricDescription("animato_http_connections", .gauge, "Open connections of clients."),
        MetricDescription("animato_http_streams", .gauge, "Clients that follow a task or wait for its end."),
    ]

    private static let tasks: [MetricDescription] = [
        MetricDescription(
            "animato_submissions_total",
            .counter,
            "Accepted requests: queued, joined (another task's generation), cached or replayed.",
            labels: ["outcome", "priority"]
        ),
        MetricDescription(
            "animato_rejections_total",
            .counter,
            "Requests for a video that were refused, by the code of the first reason.",
            labels: ["code"]
        ),
        MetricDescription(
            "animato_degraded_total",
            .counter,
            "Generations that made less than was asked for, as the request allowed: overload or memory.",
            labels: ["reason"]
        ),
        MetricDescription(
            "animato_generations_total",
            .counter,
            "Generations that ended: succeeded, failed or cancelled; the code says why one failed, else it is none.",
            labels: ["outcome", "code"]
        ),
        MetricDescription(
            "animato_queue_seconds",
            .histogram(bounds: MetricBounds.waits),
            "From the acceptance of a generation to its first start.",
            labels: ["priority"]
        ),
        MetricDescription(
            "animato_eta_ratio",
            .histogram(bounds: [0.25, 0.5, 0.7, 0.85, 1, 1.15, 1.3, 1.6, 2, 4]),
            "From acceptance to success of a generation, over what was predicted when it was accepted; 1 is a right prediction."
        ),
        MetricDescription(
            "animato_predicted_wait_seconds", .gauge, "What a request of normal priority would wait for now."),
        MetricDescription(
            "animato_waiting_generations", .gauge, "Generations that wait for a device.", labels: ["priority"]),
        MetricDescription("animato_running_generations", .gauge, "Generations that run on this server's engines."),
        MetricDescription(
            "animato_tenant_waiting_tasks",
            .gauge,
            "Tasks that wait, of the busiest tenants; those of the rest together are other.",
            labels: ["tenant"]
        ),
        MetricDescription(
            "animato_tenant_running_tasks",
            .gauge,
            "Tasks that are being worked on, of the same tenants.",
            labels: ["tenant"]
        ),
        MetricDescription(
            "animato_tenant_device_seconds",
            .gauge,
            "Device time since midnight (UTC), of the same tenants.",
            labels: ["tenant"]
        ),
    ]

    private static let work: [MetricDescription] = [
        MetricDescription(
            "animato_generation_duration_seconds",
            .histogram(bounds: MetricBounds.work),
            "Of an attempt that made a video, from its start to the kept file.",
            labels: ["model"]
        ),
        MetricDescription(
            "animato_stage_duration_seconds",
            .histogram(bounds: MetricBounds.work),
            "Of the parts of such an attempt: load, encode (the prompt), denoise, decode, write (the file).",
            labels: ["model", "stage"]
        ),
        MetricDescription(
            "animato_step_duration_seconds",
            .histogram(bounds: MetricBounds.steps),
            "Of a denoising step, as the mean over such an attempt.",
            labels: ["model"]
        ),
        MetricDescription(
            "animato_pass_generations",
            .histogram(bounds: [1, 2, 4, 8]),
            "Generations that share a pass of the pipeline."
        ),
        MetricDescription(
            "animato_requeues_total",
            .counter,
            "Attempts that ended with the generation back in the queue, by the code of the reason; yielded: it made way.",
            labels: ["code"]
        ),
        MetricDescription(
            "animato_resumes_total", .counter, "Attempts that went on from a checkpoint."),
        MetricDescription(
            "animato_out_of_memory_total",
            .counter,
            "Attempts that ended for lack of device memory, by stage.",
            labels: ["stage"]
        ),
        MetricDescription(
            "animato_leases_expired_total", .counter, "Generations that were taken back because their worker was gone."),
        MetricDescription(
            "animato_engine_restarts_total",
            .counter,
            "Engine processes that ended without being told to, by the code of the reason.",
            labels: ["device", "code"]
        ),
        MetricDescription(
            "animato_engine_loads_total", .counter, "Models that were loaded into an engine.", labels: ["device"]),
    ]

    private static let devices: [MetricDescription] = [
        MetricDescription(
            "animato_device_state",
            .gauge,
            "1 for the state that a device is in, 0 for the others.",
            labels: ["device", "state"]
        ),
        MetricDescription(
            "animato_engines",
            .gauge,
            "Engine processes that a device may have, by what they do: ready, busy, asleep, starting or down.",
            labels: ["device", "state"]
        ),
        MetricDescription(
            "animato_device_utilisation_ratio", .gauge, "How busy a device is, 0 to 1.", labels: ["device"]),
        MetricDescription("animato_device_memory_bytes", .gauge, "Memory of a device.", labels: ["device"]),
        MetricDescription(
            "animato_device_memory_free_bytes", .gauge, "Memory of a device that nothing uses.", labels: ["device"]),
        MetricDescription(
            "animato_device_temperature_celsius", .gauge, "Temperature of a device.", labels: ["device"]),
        MetricDescription(
            "animato_device_idle_seconds_total",
            .counter,
            "Time for which a device had nothing to do although what it then took was waiting.",
            labels: ["device"]
        ),
        MetricDescription("animato_draining", .gauge, "1 while no more work is started on any device, else 0."),
    ]

    private static let results: [MetricDescription] = [
        MetricDescription(
            "animato_video_reads_total",
            .counter,
            "Videos opened for clients, by where they were: memory, shared (Redis), store (the disk or S3) or none.",
            labels: ["level"]
        ),
        MetricDescription("animato_videos", .gauge, "Kept videos, as of the last time they were gone through."),
        MetricDescription(
            "animato_videos_bytes", .gauge, "Size of these videos, with the stills and previews that were made of them."
        ),
        MetricDescription("animato_videos_evicted_total", .counter, "Kept videos that were let go for room or age."),
        MetricDescription(
            "animato_videos_damaged_total", .counter, "Kept videos that were not what their checksum says."),
        MetricDescription(
            "animato_uploads_total",
            .counter,
            "Files that clients brought, or had fetched: kept, or the code of why they were not.",
            labels: ["outcome"]
        ),
    ]

    private static let delivery: [MetricDescription] = [
        MetricDescription(
            "animato_callbacks_total",
            .counter,
            "Attempts to deliver a callback: delivered, retried or abandoned.",
            labels: ["outcome"]
        ),
        MetricDescription(
            "animato_callback_duration_seconds",
            .histogram(bounds: MetricBounds.answers),
            "Of such an attempt."
        ),
        MetricDescription(
            "animato_callback_delay_seconds",
            .histogram(bounds: MetricBounds.waits),
            "From the event to its delivery."
        ),
    ]

    private static let process: [MetricDescription] = [
        MetricDescription(
            "animato_store_duration_seconds",
            .histogram(bounds: MetricBounds.answers),
            "Of an operation of the task store, waiting for its turn included; what memory answers is none.",
            labels: ["operation"]
        ),
        MetricDescription(
            "animato_store_conflicts_total",
            .counter,
            "Operations of the task store in Redis that were decided anew because of what others had written meanwhile.",
            labels: ["operation"]
        ),
        MetricDescription("animato_data_bytes", .gauge, "Size of the file system of the data directory."),
        MetricDescription("animato_data_free_bytes", .gauge, "What is free of it for the server."),
        MetricDescription("animato_store_waiting_writes", .gauge, "Writes that wait for the task store."),
        MetricDescription(
            "animato_redis_connected", .gauge, "1 while a client of Redis has its connection, else 0.",
            labels: ["client"]),
        MetricDescription(
            "animato_redis_commands_in_flight", .gauge, "Commands that wait for a reply of Redis.", labels: ["client"]),
        MetricDescription(
            "animato_redis_reconnects_total", .counter, "Connections to Redis that were lost.", labels: ["client"]),
        MetricDescription(
            "animato_redis_errors_total",
            .counter,
            "Commands without a good reply: unavailable, outcome_unknown, refused or overloaded.",
            labels: ["client", "kind"]
        ),
        MetricDescription(
            "animato_log_messages_total",
            .counter,
            "Messages of warning and above in the log.",
            labels: ["level"]
        ),
        MetricDescription(
            "animato_collector_up",
            .gauge,
            "1 if a part of the server has said in time what this answer shows of it, else 0 and that is missing.",
            labels: ["collector"]
        ),
        MetricDescription("process_cpu_seconds_total", .counter, "Processor time of the server, without engines."),
        MetricDescription("process_resident_memory_bytes", .gauge, "Memory of the server, without engines."),
        MetricDescription("process_virtual_memory_bytes", .gauge, "Address space of the server."),
        MetricDescription("process_open_fds", .gauge, "Open file descriptors of the server."),
        MetricDescription("process_max_fds", .gauge, "File descriptors that the server may have open."),
        MetricDescription("process_start_time_seconds", .gauge, "When the server started, in seconds since 1970."),
    ]
}

/// Upper bounds of buckets, in seconds.
///
/// Each is about twice to three times the one before, over the range that the thing it measures can have.
enum MetricBounds {
    static let answers = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]
    static let steps = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]
    static let work = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800]
    static let waits = [0.05, 0.25, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 14400]
}
