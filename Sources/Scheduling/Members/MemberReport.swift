import Foundation
import Tasks

/// What a process says of itself to the others: JSON, of which fields that are not known are ignored.
struct MemberReport: Codable, Sendable, Equatable {
    /// Rises whenever an older reader would take something for what it is not.
    static let currentFormat = 1
    /// A report of more is none of ours.
    static let maximumBytes = 1 << 20

    /// Bounds of what is taken from another process.
    private enum Limit {
        static let devices = 256
        static let enginesPerDevice = 64
        static let running = 4096
        static let descriptions = 256
        static let text = 1024
    }

    var format = Self.currentFormat
    var role: String
    var host: String
    var version: String
    /// It begins nothing more, and ends once what runs is over.
    var isEnding: Bool
    /// Each of its engines has said what models it has.
    var isComplete: Bool
    /// What keeps each of its engines from working; empty if one works.
    var obstacles: [ReportedObstacle]
    /// What its engines say of themselves, each once.
    var descriptions: [ReportedDescription]
    var devices: [ReportedDevice]
    var running: [ReportedGeneration]

    func encoded() throws -> [UInt8] {
        Array(try JSONEncoder().encode(self))
    }

    /// Reads a report.
    ///
    /// - Throws: what is wrong with it, and where its format is newer.
    init(reading bytes: [UInt8]) throws {
        guard bytes.count <= Self.maximumBytes else { throw CocoaError(.coderReadCorrupt) }
        self = try JSONDecoder().decode(Self.self, from: Data(bytes))
        guard format == Self.currentFormat, isBounded else { throw CocoaError(.coderReadCorrupt) }
    }

    init(
        identity: MemberIdentity,
        isEnding: Bool = false,
        isComplete: Bool = true,
        obstacles: [ReportedObstacle] = [],
        descriptions: [ReportedDescription] = [],
        devices: [ReportedDevice] = [],
        running: [ReportedGeneration] = []
    ) {
        role = identity.role.rawValue
        host = identity.host
        version = identity.version
        self.isEnding = isEnding
        self.isComplete = isComplete
        self.obstacles = obstacles
        self.descriptions = descriptions
        self.devices = devices
        self.running = running
    }

    private var isBounded: Bool {
        devices.count <= Limit.devices && running.count <= Limit.running
            && descriptions.count <= Limit.descriptions
            && devices.allSatisfy { $0.engines.count <= Limit.enginesPerDevice && $0.id.utf8.count <= Limit.text }
            && [role, host, version].allSatisfy { $0.utf8.count <= Limit.text }
            && Set(devices.map(\.id)).count == devices.count
    }
}

/// An `Obstacle` on its way.
struct ReportedObstacle: Codable, Sendable, Equatable {
    var code: String
    var message: String
}

/// A generation that runs.
struct ReportedGeneration: Codable, Sendable, Equatable {
    var id: Int64
    /// Predicted when the report was made.
    var secondsLeft: Double
}

/// A device on its way: as it is shown, and as placement sees it.
struct ReportedDevice: Codable, Sendable, Equatable {
    var id: String
    var kind: String
    /// `DeviceStatus.State`.
    var state: String
    var totalBytes: Int64
    var freeBytes: Int64
    var utilisation: Double?
    var temperatureCelsius: Double?
    /// Gets nothing new, for whatever reason.
    var isClosed: Bool
    /// Models that it can be asked for.
    var models: [String]
    var engines: [ReportedEngine]
}

/// An engine on its way.
struct ReportedEngine: Codable, Sendable, Equatable {
    /// `EngineStatus.State`.
    var state: String
    var model: String?
    var work: Work?
    /// Takes a generation now.
    var isReady: Bool
    /// Can be used in the time to come: it is up, comes up or can be woken.
    var isUsable: Bool
    /// Until its device is free; `nil`: it is.
    var freeIn: Double?
    /// What is on the device.
    var warm: String?
    var warmLoRAs: [String]?
    var reservedBytes: Int64

    /// What it works on.
    struct Work: Codable, Sendable, Equatable {
        var generations: Int
        /// Rank.
        var priority: Int
        /// `GenerationProgress.Stage`.
        var stage: String?
        var step: Int?
        var totalSteps: Int?
        var secondsLeft: Double?
    }
}

/// Numbers of another process, within what sums of them can bear.
enum Bounded {
    private static let bytes: Int64 = 1 << 50
    private static let seconds = 1e9

    static func bytes(_ number: Int64) -> Int64 { min(max(0, number), bytes) }

    static func seconds(_ number: Double) -> Double {
        number.isFinite ? min(max(0, number), seconds) : seconds
    }

    static func count(_ number: Int) -> Int { min(max(0, number), 1 << 20) }
}
