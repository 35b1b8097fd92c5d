/// The parts of NVML's C interface that are used, with the layouts of its public header `nvml.h`.
///
/// They are declared here because the header comes with the CUDA toolkit, which neither a server nor its build machine
/// needs. A structure of fixed-width
/// numbers has the same layout in Swift as in C; the tests hold it against the header's.
enum NVML {
    /// `nvmlDevice_t`: a pointer that only the library understands.
    typealias Device = OpaquePointer

    /// `nvmlMemory_t`.
    struct Memory {
        var total: UInt64 = 0
        var free: UInt64 = 0
        var used: UInt64 = 0
    }

    /// `nvmlUtilization_t`; percent.
    struct Utilization {
        var gpu: UInt32 = 0
        var memory: UInt32 = 0
    }

    /// `nvmlProcessInfo_v2_t`, which versions 2 and 3 of the call fill in.
    struct ProcessInfo {
        var pid: UInt32 = 0
        var usedGpuMemory: UInt64 = 0
        var gpuInstanceId: UInt32 = 0
        var computeInstanceId: UInt32 = 0
    }

    /// `NVML_VALUE_NOT_AVAILABLE`.
    static let valueNotAvailable = UInt64.max
    /// `NVML_DEVICE_MIG_ENABLE`.
    static let migEnabled: UInt32 = 1
    /// `NVML_TEMPERATURE_GPU`.
    static let temperatureSensor: CInt = 0
    /// `NVML_DEVICE_NAME_V2_BUFFER_SIZE` and `NVML_DEVICE_UUID_V2_BUFFER_SIZE`.
    static let textBufferSize = 96

    // Far more than any machine has: the bounds for numbers that a library makes up.
    static let maximumDevices = 256
    static let maximumPartitions = 32
    static let maximumProcesses = 1024
}

/// What a call of NVML ended with when it was not `NVML_SUCCESS` (`nvmlReturn_t`).
struct NVMLError: Error, Sendable, Equatable {
    var status: CInt

    static let notSupported = NVMLError(status: 3)
    static let noPermission = NVMLError(status: 4)
    static let insufficientSize = NVMLError(status: 7)
    static let functionNotFound = NVMLError(status: 13)
    static let gpuIsLost = NVMLError(status: 15)
    static let resetRequired = NVMLError(status: 16)
    static let unknown = NVMLError(status: 999)

    /// Whether no call about this GPU can succeed any more.
    var meansGPUIsGone: Bool { self == .gpuIsLost || self == .resetRequired }

    /// Stable, snake_case: what is wrong with a GPU that answers so.
    var code: String {
        switch self {
        case .gpuIsLost: "gpu_lost"
        case .resetRequired: "gpu_needs_reset"
        default: "gpu_unreadable"
        }
    }

    /// For people.
    var message: String {
        let meaning =
            switch status {
            case 1: "the library is not initialised"
            case 3: "not supported"
            case 4: "no permission"
            case 9: "the driver is not loaded"
            case 10: "timed out"
            case 11: "trouble with the GPU's interrupts"
            case 13: "the library lacks a function"
            case 15: "the GPU has fallen off the bus or is inaccessible"
            case 16: "the GPU must be reset"
            case 17: "the operating system has blocked the call"
            case 18: "the driver and its library are of different versions; a restart of the machine is due"
            case 20: "out of memory"
            default: "unknown error"
            }
        return "\(meaning) (NVML error \(status))"
    }
}
