/// What one look through NVML has shown of one GPU.
struct GPUReading: Sendable, Equatable {
    /// NVML's number of it in this look.
    var index: Int
    var outcome: Result<GPUFacts, NVMLError>
    /// What was seen of its partitions; `nil` if it is not partitioned, or nobody knows.
    var partitions: [GPUFacts]?
}

/// What NVML says of a GPU or a partition of one; none of it is checked.
struct GPUFacts: Sendable, Equatable {
    var uuid: String?
    var name = ""
    /// 0: unknown.
    var totalBytes: UInt64 = 0
    var freeBytes: UInt64 = 0
    var utilisationPercent: UInt32?
    var temperatureCelsius: UInt32?
    var processes: [DeviceSnapshot.Occupant] = []
}
