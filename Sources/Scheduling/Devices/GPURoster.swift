/// Turns looks through NVML into reports whose devices keep their ids and their order.
///
/// NVML numbers the GPUs that it has at the moment. A GPU that falls off the bus may keep its number and fail, or vanish
/// so that others move up; the roster remembers who was who. Ids are given in CUDA's order at the first sight, and a
/// device that is seen later gets the next one.
struct GPURoster: Sendable {
    /// A GPU or partition as it was seen last.
    fileprivate struct Member: Sendable {
        var facts: GPUFacts
        /// `nil` while it is there.
        var loss: NVMLLoss?
    }

    fileprivate struct KnownGPU: Sendable {
        /// NVML's number when it was seen last.
        var index: Int
        var whole: Member
        /// As it was when it was first read: CUDA counts the partitions of a GPU in place of it.
        var isPartitioned: Bool?
        var partitions: [Member] = []
    }

    /// More devices than a machine can have, in case a library invents a new one at every look.
    private static let maximumDevices = 256

    private let visible: VisibleDevices
    private var gpus: [KnownGPU] = []
    /// `cuda:0` first.
    private var slots: [VisibleDevices.Choice] = []

    init(visible: VisibleDevices) {
        self.visible = visible
    }

    /// Takes note of a look at all GPUs.
    mutating func update(with readings: [GPUReading]) {
        var seen: Set<Int> = []
        for reading in readings {
            guard let place = place(of: reading, except: seen) else { continue }
            seen.insert(place)
            note(reading, at: place)
        }
        for place in gpus.indices where !seen.contains(place) { gpus[place].lose(.vanished) }
        for choice in visible.choices(among: gpus.map(\.candidate))
        where slots.count < Self.maximumDevices && !slots.contains(choice) {
            slots.append(choice)
        }
    }

    /// All devices that this process may use, as they were seen last.
    var devices: [DeviceSnapshot] {
        slots.enumerated().map { number, choice in
            let gpu = gpus[choice.gpu]
            let member = choice.partition.map { gpu.partitions[$0] } ?? gpu.whole
            return DeviceSnapshot(id: "cuda:\(number)", facts: member.facts, loss: member.loss)
        }
    }

    /// Where the GPU of a reading is kept, a new place if it is new; `nil` if there is no room.
    private mutating func place(of reading: GPUReading, except taken: Set<Int>) -> Int? {
        let free = gpus.indices.filter { !taken.contains($0) }
        if case .success(let facts) = reading.outcome, let uuid = facts.uuid {
            if let known = free.first(where: { gpus[$0].whole.facts.uuid == uuid }) { return known }
            // It could not be read before.
            let unread = free.first { gpus[$0].index == reading.index && gpus[$0].whole.facts.uuid == nil }
            if let unread { return unread }
        } else if let known = free.first(where: { gpus[$0].index == reading.index }) {
            return known
        }
        guard gpus.count < Self.maximumDevices else { return nil }
        gpus.append(KnownGPU(index: reading.index, whole: Member(facts: GPUFacts())))
        return gpus.count - 1
    }

    private mutating func note(_ reading: GPUReading, at place: Int) {
        gpus[place].index = reading.index
        switch reading.outcome {
        case .failure(let error): gpus[place].lose(NVMLLoss(error))
        case .success(let facts):
            gpus[place].whole = Member(facts: facts.completed(from: gpus[place].whole.facts))
            if gpus[place].isPartitioned == nil { gpus[place].isPartitioned = reading.partitions != nil }
            if gpus[place].isPartitioned == false, reading.partitions != nil {
                gpus[place].whole.loss = .repartitioned
            }
            notePartitions(reading.partitions ?? [], at: place)
        }
    }

    private mutating func notePartitions(_ parts: [GPUFacts], at place: Int) {
        guard gpus[place].isPartitioned == true else { return }
        var seen: Set<Int> = []
        for facts in parts {
            let known = gpus[place].partitions.indices.first { index in
                !seen.contains(index) && gpus[place].partitions[index].facts.uuid == facts.uuid
            }
            if let known {
                seen.insert(known)
                gpus[place].partitions[known] = Member(facts: facts)
            } else if gpus[place].partitions.count < Self.maximumDevices {
                gpus[place].partitions.append(Member(facts: facts))
                seen.insert(gpus[place].partitions.count - 1)
            }
        }
        for index in gpus[place].partitions.indices where !seen.contains(index) {
            gpus[place].partitions[index].loss = .vanished
        }
    }
}

extension GPURoster.KnownGPU {
    fileprivate mutating func lose(_ loss: NVMLLoss) {
        whole.loss = loss
        for index in partitions.indices { partitions[index].loss = loss }
    }

    fileprivate var candidate: VisibleDevices.Candidate {
        VisibleDevices.Candidate(
            uuid: whole.facts.uuid,
            partitions: isPartitioned == true ? partitions.map(\.facts.uuid) : nil
        )
    }
}

/// Why a GPU that is known is not there.
struct NVMLLoss: Sendable, Equatable {
    var code: String
    var message: String

    /// The driver does not count it any more.
    static let vanished = NVMLLoss(code: "gpu_lost", message: "the driver does not list it any more")
    /// Partitioned while the server runs: its numbering of devices is not CUDA's any more.
    static let repartitioned = NVMLLoss(
        code: "gpu_repartitioned",
        message: "MIG was switched on while the server ran; start the server anew"
    )

    init(code: String, message: String) {
        self.code = code
        self.message = message
    }

    init(_ error: NVMLError) {
        self.init(code: error.code, message: error.message)
    }
}

extension GPUFacts {
    /// These facts, with what they lack and never changes taken from an earlier look.
    fileprivate func completed(from earlier: GPUFacts) -> GPUFacts {
        var facts = self
        facts.uuid = uuid ?? earlier.uuid
        facts.name = name.isEmpty ? earlier.name : name
        return facts
    }
}

extension DeviceSnapshot {
    /// Hotter than any GPU survives, in °C: a sensor that says so is broken.
    private static let maximumTemperature: UInt32 = 150

    fileprivate init(id: String, facts: GPUFacts, loss: NVMLLoss?) {
        self.init(
            id: id,
            uuid: facts.uuid ?? "",
            name: facts.name.isEmpty ? "NVIDIA GPU" : facts.name,
            totalBytes: Int64(clamping: facts.totalBytes),
            freeBytes: Int64(clamping: facts.freeBytes),
            utilisation: facts.utilisationPercent.map { Double($0) / 100 },
            temperatureCelsius: facts.temperatureCelsius.flatMap { $0 <= Self.maximumTemperature ? Int($0) : nil },
            processes: facts.processes,
            state: loss.map { .lost(code: $0.code, message: $0.message) } ?? .present
        )
    }
}
