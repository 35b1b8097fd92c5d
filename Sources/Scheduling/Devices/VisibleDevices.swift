/// Which GPUs a CUDA process sees, and in which order: the variable `CUDA_VISIBLE_DEVICES`.
///
/// The rules are those of the CUDA C++ Programming Guide (environment variables) and of the NVIDIA MIG User Guide (CUDA
/// device enumeration); where both are silent, those by which PyTorch counts devices without CUDA
/// (`torch.cuda._parse_visible_devices`): all entries are of the kind of the first, and a repeated one leaves none.
enum VisibleDevices: Sendable, Equatable {
    /// Not restricted.
    case all
    /// Numbers in the order of the bus, which is NVML's (`CUDA_DEVICE_ORDER=PCI_BUS_ID`).
    case indices([Int])
    /// Beginnings of `GPU-…` or `MIG-…`.
    case identifiers([String])

    /// No machine has more; the rest of a longer list is not looked at.
    private static let maximumEntries = 1024

    /// A GPU, or a partition of one, by their places in what was given.
    struct Choice: Hashable, Sendable {
        var gpu: Int
        var partition: Int?
    }

    /// What the rules need to know of a GPU.
    struct Candidate: Equatable, Sendable {
        /// `nil` if it could never be read.
        var uuid: String?
        /// The UUIDs of its partitions; `nil` if it is not partitioned (MIG is off).
        var partitions: [String?]?
    }

    /// - Parameter variable: the variable's value; `nil`: not set.
    init(_ variable: String?) {
        guard let variable else {
            self = .all
            return
        }
        let entries = variable.split(separator: ",", maxSplits: Self.maximumEntries, omittingEmptySubsequences: false)
            .prefix(Self.maximumEntries)
            .map { String($0).trimmingSpaces() }
        for prefix in ["GPU-", "MIG-"] where entries.first?.hasPrefix(prefix) == true {
            self = .identifiers(Self.unrepeated(entries.prefix { $0.hasPrefix(prefix) }))
            return
        }
        let numbers = entries.map(Self.leadingNumber)
        self = .indices(Self.unrepeated(numbers.prefix { $0 != nil }.compactMap { $0 }))
    }

    /// What of the GPUs can be used, in the order of CUDA's numbering.
    ///
    /// - Parameter gpus: all of the machine, in NVML's order.
    /// - Returns: places in `gpus`.
    func choices(among gpus: [Candidate]) -> [Choice] {
        let wanted: [Choice]
        switch self {
        case .all: wanted = gpus.indices.flatMap { Self.choices(of: $0, gpus[$0]) }
        case .indices(let indices):
            // One that is not there ends the list.
            wanted = indices.prefix { gpus.indices.contains($0) }.flatMap { Self.choices(of: $0, gpus[$0]) }
        case .identifiers(let identifiers):
            let found = identifiers.map { Self.choice(named: $0, among: gpus) }
            wanted = Self.unrepeated(found.prefix { $0 != nil }.compactMap { $0 })
        }
        // A process uses one partition at most, and where there is one, no whole GPU.
        if let partition = wanted.first(where: { $0.partition != nil }) { return [partition] }
        return wanted
    }

    private static func choices(of index: Int, _ gpu: Candidate) -> [Choice] {
        guard let partitions = gpu.partitions else { return [Choice(gpu: index)] }
        return partitions.indices.map { Choice(gpu: index, partition: $0) }
    }

    /// The one whose UUID begins so; `nil` if there is none or more than one.
    private static func choice(named identifier: String, among gpus: [Candidate]) -> Choice? {
        var found: Choice?
        for (index, gpu) in gpus.enumerated() {
            for choice in choices(of: index, gpu) {
                let uuid = choice.partition.map { gpu.partitions?[$0] } ?? gpu.uuid
                guard uuid?.hasPrefix(identifier) == true else { continue }
                guard found == nil else { return nil }
                found = choice
            }
        }
        return found
    }

    /// The number that an entry begins with: `2ampere` is 2.
    private static func leadingNumber(_ entry: String) -> Int? {
        let digits = (entry.hasPrefix("+") ? entry.dropFirst() : entry[...]).prefix { $0.isASCII && $0.isNumber }
        return Int(digits)
    }

    private static func unrepeated<Entry: Hashable>(_ entries: some Collection<Entry>) -> [Entry] {
        Set(entries).count == entries.count ? Array(entries) : []
    }
}

extension String {
    fileprivate func trimmingSpaces() -> String {
        let start = drop { $0.isWhitespace }
        guard let last = start.lastIndex(where: { !$0.isWhitespace }) else { return "" }
        return String(start[...last])
    }
}
