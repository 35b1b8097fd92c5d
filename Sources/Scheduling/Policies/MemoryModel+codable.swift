extension MemoryModel: Codable {
    /// Rises whenever what is stored means something else.
    private static let format = 1

    private struct Entry: Codable {
        var key: Way
        var value: Experience
    }

    private struct Contents: Codable {
        var format: Int
        var ways: [Entry]
    }

    /// What cannot be read, or is of another format, gives a model that has learned nothing.
    package init(from decoder: any Decoder) throws {
        self.init()
        guard let contents = try? Contents(from: decoder), contents.format == Self.format else { return }
        for entry in contents.ways.suffix(Self.wayLimit) where entry.value.isSound {
            ways.change(entry.key, from: Experience()) { $0 = entry.value }
        }
    }

    package func encode(to encoder: any Encoder) throws {
        try Contents(format: Self.format, ways: ways.contents.map { Entry(key: $0.key, value: $0.value) })
            .encode(to: encoder)
    }
}

extension MemoryModel.Experience {
    /// Whether it can have been learned here.
    fileprivate var isSound: Bool {
        let range = 1...(Int64.max / 2)
        let extents = peaks.map(\.extent) + lacks.map(\.extent)
        return peaks.count <= MemoryModel.peakLimit && lacks.count <= MemoryModel.lackLimit
            && (0...Int.max / 2).contains(lessons) && lacks.allSatisfy { (0...lessons).contains($0.lesson) }
            && peaks.allSatisfy { range.contains($0.bytes) } && lacks.allSatisfy { range.contains($0.capacity) }
            && extents.allSatisfy { $0.pixels > 0 && $0.frames > 0 && $0.rows > 0 }
    }
}
