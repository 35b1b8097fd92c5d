import Foundation

/// The functions of a loaded NVML, each as a Swift call.
///
/// Calls may block for as long as the driver likes. The library is never unloaded: a driver library may have threads.
struct NVMLLibrary: Sendable {
    private typealias Simple = @convention(c) () -> CInt
    private typealias GetCount = @convention(c) (UnsafeMutablePointer<UInt32>) -> CInt
    private typealias GetHandle = @convention(c) (UInt32, UnsafeMutablePointer<NVML.Device?>) -> CInt
    private typealias GetText = @convention(c) (NVML.Device, UnsafeMutablePointer<CChar>, UInt32) -> CInt
    // Structures of Swift cannot be named in a C function's type.
    private typealias GetStructure = @convention(c) (NVML.Device, UnsafeMutableRawPointer) -> CInt
    private typealias GetTemperature = @convention(c) (NVML.Device, CInt, UnsafeMutablePointer<UInt32>) -> CInt
    private typealias GetProcesses =
        @convention(c) (NVML.Device, UnsafeMutablePointer<UInt32>, UnsafeMutableRawPointer?) -> CInt
    private typealias GetModes =
        @convention(c) (NVML.Device, UnsafeMutablePointer<UInt32>, UnsafeMutablePointer<UInt32>) -> CInt
    private typealias GetNumber = @convention(c) (NVML.Device, UnsafeMutablePointer<UInt32>) -> CInt
    private typealias GetPart = @convention(c) (NVML.Device, UInt32, UnsafeMutablePointer<NVML.Device?>) -> CInt

    private let initialize: Simple
    private let shutdown: Simple
    private let getCount: GetCount
    private let getHandle: GetHandle
    private let getName: GetText
    private let getUUID: GetText
    private let getMemory: GetStructure
    // Missing from old libraries.
    private let getUtilization: GetStructure?
    private let getTemperature: GetTemperature?
    private let getProcesses: GetProcesses?
    private let getPartitioning: GetModes?
    private let getPartitionCount: GetNumber?
    private let getPartition: GetPart?

    /// Loads the library and finds its functions; starts nothing.
    ///
    /// - Parameter path: a path, or a name for the system's search.
    /// - Throws: `.notInstalled` or `.libraryUnusable`.
    init(path: String) throws(DeviceReport.Obstacle) {
        guard let handle = dlopen(path, RTLD_NOW | RTLD_LOCAL) else {
            let reason = dlerror().map { String(cString: $0) } ?? "\(path) cannot be loaded"
            // The system has no other sign of it than this text.
            let isMissing = reason.contains("No such file") || reason.contains("no such file")
            throw DeviceReport.Obstacle(kind: isMissing ? .notInstalled : .libraryUnusable, message: reason)
        }
        func optional<Function>(_ name: String, as type: Function.Type) -> Function? {
            dlsym(handle, name).map { unsafeBitCast($0, to: type) }
        }
        func required<Function>(_ name: String, as type: Function.Type) throws(DeviceReport.Obstacle) -> Function {
            guard let function = optional(name, as: type) else {
                throw DeviceReport.Obstacle(kind: .libraryUnusable, message: "\(path) has no function \(name)")
            }
            return function
        }
        initialize = try required("nvmlInit_v2", as: Simple.self)
        shutdown = try required("nvmlShutdown", as: Simple.self)
        getCount = try required("nvmlDeviceGetCount_v2", as: GetCount.self)
        getHandle = try required("nvmlDeviceGetHandleByIndex_v2", as: GetHandle.self)
        getName = try required("nvmlDeviceGetName", as: GetText.self)
        getUUID = try required("nvmlDeviceGetUUID", as: GetText.self)
        getMemory = try required("nvmlDeviceGetMemoryInfo", as: GetStructure.self)
        getUtilization = optional("nvmlDeviceGetUtilizationRates", as: GetStructure.self)
        getTemperature = optional("nvmlDeviceGetTemperature", as: GetTemperature.self)
        getProcesses =
            optional("nvmlDeviceGetComputeRunningProcesses_v3", as: GetProcesses.self)
            ?? optional("nvmlDeviceGetComputeRunningProcesses_v2", as: GetProcesses.self)
        getPartitioning = optional("nvmlDeviceGetMigMode", as: GetModes.self)
        getPartitionCount = optional("nvmlDeviceGetMaxMigDeviceCount", as: GetNumber.self)
        getPartition = optional("nvmlDeviceGetMigDeviceHandleByIndex", as: GetPart.self)
    }

    /// Connects to the driver.
    func start() throws(NVMLError) {
        try check(initialize())
    }

    /// Gives the connection back; what it answers helps nobody.
    func stop() {
        _ = shutdown()
    }

    /// The number of GPUs, those included that this process may not use.
    func deviceCount() throws(NVMLError) -> Int {
        var count: UInt32 = 0
        try check(getCount(&count))
        return min(Int(count), NVML.maximumDevices)
    }

    func device(at index: Int) throws(NVMLError) -> NVML.Device {
        var device: NVML.Device?
        try check(getHandle(UInt32(index), &device))
        guard let device else { throw .unknown }
        return device
    }

    func name(of device: NVML.Device) throws(NVMLError) -> String {
        try text(getName, device)
    }

    func uuid(of device: NVML.Device) throws(NVMLError) -> String {
        try text(getUUID, device)
    }

    func memory(of device: NVML.Device) throws(NVMLError) -> NVML.Memory {
        var memory = NVML.Memory()
        try check(getMemory(device, &memory))
        return memory
    }

    /// Percent of the last sampling period in which something ran.
    func utilisation(of device: NVML.Device) throws(NVMLError) -> UInt32 {
        guard let getUtilization else { throw .functionNotFound }
        var utilization = NVML.Utilization()
        try check(getUtilization(device, &utilization))
        return utilization.gpu
    }

    func temperature(of device: NVML.Device) throws(NVMLError) -> UInt32 {
        guard let getTemperature else { throw .functionNotFound }
        var temperature: UInt32 = 0
        try check(getTemperature(device, NVML.temperatureSensor, &temperature))
        return temperature
    }

    func processes(of device: NVML.Device) throws(NVMLError) -> [NVML.ProcessInfo] {
        guard let getProcesses else { throw .functionNotFound }
        var infos = [NVML.ProcessInfo](repeating: NVML.ProcessInfo(), count: NVML.maximumProcesses)
        var count = UInt32(infos.count)
        let status = infos.withUnsafeMutableBytes { getProcesses(device, &count, $0.baseAddress) }
        try check(status)
        return Array(infos.prefix(Int(count)))
    }

    /// Whether MIG is on.
    func isPartitioned(_ device: NVML.Device) throws(NVMLError) -> Bool {
        guard let getPartitioning else { return false }
        var current: UInt32 = 0
        var pending: UInt32 = 0
        let status = getPartitioning(device, &current, &pending)
        if status == NVMLError.notSupported.status { return false }
        try check(status)
        return current == NVML.migEnabled
    }

    /// The MIG devices of a GPU that is partitioned.
    func partitions(of device: NVML.Device) throws(NVMLError) -> [NVML.Device] {
        guard let getPartitionCount, let getPartition else { return [] }
        var count: UInt32 = 0
        try check(getPartitionCount(device, &count))
        var partitions: [NVML.Device] = []
        for index in 0..<min(count, UInt32(NVML.maximumPartitions)) {
            var partition: NVML.Device?
            // The numbers have gaps: "not found" where there is none.
            guard getPartition(device, index, &partition) == 0, let partition else { continue }
            partitions.append(partition)
        }
        return partitions
    }

    private func check(_ status: CInt) throws(NVMLError) {
        guard status == 0 else { throw NVMLError(status: status) }
    }

    private func text(_ function: GetText, _ device: NVML.Device) throws(NVMLError) -> String {
        var buffer = [CChar](repeating: 0, count: NVML.textBufferSize)
        try check(function(device, &buffer, UInt32(buffer.count)))
        let bytes = buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
        let text = String(decoding: bytes, as: UTF8.self)
        return String(text.unicodeScalars.filter { !$0.properties.isControl })
    }
}

extension Unicode.Scalar.Properties {
    /// Such a character in a name would garble a log or a terminal.
    fileprivate var isControl: Bool { generalCategory == .control }
}
