extension CostModel: Codable {
    /// Rises whenever what is stored means something else.
    private static let format = 1

    private struct Entry<Key: Codable, Value: Codable>: Codable {
        var key: Key
        var value: Value
    }

    private struct Contents: Codable {
        var format: Int
        var exact: [Entry<Exact, Times>]
        var general: [Entry<General, Habits>]
    }

    /// What cannot be read, or is of another format, gives a model that has learned nothing.
    package init(from decoder: any Decoder) throws {
        self.init()
        guard let contents = try? Contents(from: decoder), contents.format == Self.format else { return }
        for entry in contents.exact.suffix(Self.exactLimit) {
            exact.change(entry.key, from: Times()) { $0 = entry.value }
        }
        for entry in contents.general.suffix(Self.generalLimit) {
            general.change(entry.key, from: Habits()) { $0 = entry.value }
        }
    }

    package func encode(to encoder: any Encoder) throws {
        try Contents(
            format: Self.format,
            exact: exact.contents.map { Entry(key: $0.key, value: $0.value) },
            general: general.contents.map { Entry(key: $0.key, value: $0.value) }
        ).encode(to: encoder)
    }
}
