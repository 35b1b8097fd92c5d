// swift-tools-version: 6.2

import PackageDescription

/// Applied to every target, so that no room has looser rules than another.
let swiftSettings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .treatAllWarnings(as: .error),
]

let asyncHTTPClient = Target.Dependency.product(name: "AsyncHTTPClient", package: "async-http-client")
let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
let grdb = Target.Dependency.product(name: "GRDB", package: "GRDB.swift")
let hummingbird = Target.Dependency.product(name: "Hummingbird", package: "hummingbird")
let hummingbirdTLS = Target.Dependency.product(name: "HummingbirdTLS", package: "hummingbird")
let httpTypes = Target.Dependency.product(name: "HTTPTypes", package: "swift-http-types")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let metrics = Target.Dependency.product(name: "Metrics", package: "swift-metrics")
let nioCore = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let nioHTTP1 = Target.Dependency.product(name: "NIOHTTP1", package: "swift-nio")
let nioPosix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")
let nioSSL = Target.Dependency.product(name: "NIOSSL", package: "swift-nio-ssl")
let serviceLifecycle = Target.Dependency.product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let subprocess = Target.Dependency.product(name: "Subprocess", package: "swift-subprocess")
let tracing = Target.Dependency.product(name: "Tracing", package: "swift-distributed-tracing")
let systemPackage = Target.Dependency.product(name: "SystemPackage", package: "swift-system")

let package = Package(
    name: "animato",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "animato", targets: ["Server"])
    ],
    dependencies: [
        // HTTP server. Without its configuration trait: our settings are read by the Server target alone.
        .package(
            url: "https://github.com/hummingbird-project/hummingbird",
            from: "2.28.1",
            traits: ["FullFoundation"]
        ),
        // The HTTP currency types that Hummingbird's API is written in.
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        // HTTP with TLS to others: callbacks, S3, and from our commands to a server.
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        // SQLite: the embedded task store.
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        // Sockets to the engine process, the thread pool for blocking database work.
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        // Certificates, of receivers and of the server itself.
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.0"),
        // SHA-256 of requests and videos.
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        // Starts and ends the engine process.
        .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2", traits: []),
        // File descriptors and paths, as swift-subprocess speaks them.
        .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
        // Start and stop of everything long-lived, in order.
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        // Counters, gauges and histograms, behind an interface that libraries share.
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        // Spans, likewise.
        .package(url: "https://github.com/apple/swift-distributed-tracing", from: "1.7.3"),
        // The command line.
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        // The settings file.
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    ],
    targets: [
        // The rooms. What each may import is the architecture: docs/architecture.md.
        .target(name: "Tasks"),
        // What a running server tells of itself: the form of metrics and of spans.
        .target(
            name: "Telemetry",
            dependencies: [
                "Tasks", asyncHTTPClient, logging, metrics, nioCore, nioHTTP1, nioPosix, serviceLifecycle, tracing,
            ]
        ),
        // A client of Redis and Valkey: nothing in it knows what it is used for.
        .target(
            name: "Redis",
            dependencies: [crypto, logging, metrics, nioCore, nioPosix, nioSSL]
        ),
        .target(name: "TasksRedis", dependencies: ["Redis", "Tasks", logging, metrics, serviceLifecycle]),
        .target(name: "TasksSQLite", dependencies: ["Tasks", grdb, logging, metrics, nioPosix]),
        // Tasks of Celery applications, in and out of their broker.
        .target(name: "Celery", dependencies: ["Redis", "Tasks", logging, metrics, serviceLifecycle]),
        .target(name: "Access", dependencies: ["Tasks", crypto, logging, serviceLifecycle]),
        .target(
            name: "Results",
            dependencies: ["Redis", asyncHTTPClient, crypto, logging, metrics, nioCore, nioHTTP1, nioPosix]
        ),
        .target(
            name: "Engine",
            dependencies: [logging, metrics, nioCore, nioPosix, serviceLifecycle, subprocess, systemPackage]
        ),
        .target(
            name: "Scheduling",
            dependencies: ["Engine", "Results", "Tasks", "Telemetry", logging, metrics, serviceLifecycle, tracing]
        ),
        // The policies of Scheduling under a virtual clock.
        .target(name: "Simulation", dependencies: ["Scheduling", "Tasks"]),
        .target(
            name: "Webhooks",
            dependencies: [
                "Tasks", "Telemetry", asyncHTTPClient, crypto, logging, metrics, nioCore, nioHTTP1, nioPosix, nioSSL,
                serviceLifecycle, tracing,
            ]
        ),
        .target(
            name: "API",
            dependencies: [
                "Access", "Results", "Scheduling", "Tasks", "Telemetry", crypto, hummingbird, hummingbirdTLS, httpTypes,
                logging, metrics, nioCore, nioPosix, nioSSL, serviceLifecycle, tracing,
            ],
            // Their text is in sources beside them: scripts/embed.py.
            exclude: [
                "Page/documentation.html", "Page/studio.html", "Page/operator.html", "Page/common",
                "Page/studio", "Page/operator",
            ]
        ),
        .executableTarget(
            name: "Server",
            dependencies: [
                "API", "Access", "Celery", "Engine", "Redis", "Results", "Scheduling", "Simulation", "Tasks",
                "TasksRedis", "TasksSQLite", "Telemetry", "Webhooks", asyncHTTPClient, crypto, hummingbird, logging,
                metrics, nioCore, nioHTTP1, nioPosix, serviceLifecycle, tracing,
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Yams", package: "Yams"),
            ]
        ),

        // Conformance suites and fakes. A normal target, so that every test target can use it; no product links it.
        .target(
            name: "TestSupport",
            dependencies: ["Engine", "Redis", "Results", "Scheduling", "Tasks", nioCore, nioPosix],
            path: "Tests/TestSupport"
        ),
        .testTarget(name: "TasksTests", dependencies: ["Tasks", "TestSupport"]),
        .testTarget(
            name: "AccessTests",
            dependencies: ["Access", "Tasks", "TasksSQLite", "TestSupport", logging, serviceLifecycle]
        ),
        .testTarget(
            name: "RedisTests",
            dependencies: [
                "Redis", "Tasks", "TasksRedis", "TasksSQLite", "TestSupport", logging, nioCore, nioPosix, nioSSL,
            ]
        ),
        .testTarget(name: "CeleryTests", dependencies: ["Celery", "Redis", "Tasks", "TestSupport", logging]),
        .testTarget(
            name: "TaskStoreTests",
            dependencies: ["Redis", "Tasks", "TasksRedis", "TasksSQLite", "TestSupport", grdb, logging]
        ),
        .testTarget(
            name: "ResultsTests",
            dependencies: ["Redis", "Results", "TestSupport", asyncHTTPClient, crypto, logging, nioCore, nioHTTP1]
        ),
        .testTarget(
            name: "TelemetryTests",
            dependencies: [
                "Tasks", "Telemetry", "TestSupport", logging, metrics, nioPosix, serviceLifecycle, tracing,
            ]
        ),
        .testTarget(name: "EngineTests", dependencies: ["Engine", "TestSupport"]),
        .testTarget(
            name: "SchedulingTests",
            dependencies: [
                "Engine", "Results", "Scheduling", "Tasks", "TasksSQLite", "Telemetry", "TestSupport", logging, metrics,
                serviceLifecycle, tracing,
            ]
        ),
        .testTarget(
            name: "SimulationTests", dependencies: ["Scheduling", "Server", "Simulation", "Tasks", "TasksSQLite"]),
        .testTarget(
            name: "WebhooksTests",
            dependencies: [
                "Tasks", "TasksSQLite", "TestSupport", "Webhooks", logging, nioCore, nioHTTP1, nioPosix, nioSSL,
                serviceLifecycle,
            ]
        ),
        .testTarget(
            name: "APITests",
            dependencies: [
                "API", "Access", "Engine", "Results", "Scheduling", "Tasks", "TasksSQLite", "Telemetry", "TestSupport",
                httpTypes, logging, metrics, nioCore, nioPosix,
            ]
        ),
        .testTarget(
            name: "ServerTests",
            dependencies: [
                "API", "Access", "Engine", "Redis", "Results", "Scheduling", "Server", "Tasks", "TasksRedis",
                "TasksSQLite",
                "Telemetry", "TestSupport", "Webhooks", logging,
            ]
        ),
    ],
    swiftLanguageModes: [.v6]
)

for target in package.targets {
    target.swiftSettings = (target.swiftSettings ?? []) + swiftSettings
}
