/// The make of a device, which its speed depends on.
package struct DeviceKind: Sendable {
    /// As the driver says it, `NVIDIA A100-SXM4-80GB`, or `cpu`.
    package let name: String
    /// How many times as fast as the reference it is expected to be; 1 for a make that is not known.
    ///
    /// The dense half-precision throughput of its data sheet, over the 312 TFLOPS of an A100. EasyAnimate's published
    /// times bear that out: an A10, with 125 TFLOPS, takes 2.6 times as long as an A100.
    package let expectedSpeed: Double

    package init(name: String) {
        self.name = name
        let words = name.uppercased().split { !$0.isLetter && !$0.isNumber }
        let teraflops = words.lazy.compactMap { Self.teraflops[String($0)] }.first
        expectedSpeed = (teraflops ?? Self.referenceTeraflops) / Self.referenceTeraflops * Self.slice(of: words)
    }

    /// What costs are told for where no device is meant: that of the published times.
    package static let reference = DeviceKind(name: "NVIDIA A100-SXM4-80GB")

    private static let referenceTeraflops = 312.0

    /// By the word in the name that tells makes apart.
    private static let teraflops: [String: Double] = [
        "B200": 2250, "H200": 989, "H100": 989, "GH200": 989, "H20": 148, "A100": 312, "A800": 312, "A40": 150,
        "A30": 165,
        "A10": 125, "A10G": 70, "L40S": 362, "L40": 181, "L20": 119, "L4": 121, "V100": 125, "T4": 65, "A6000": 155,
        "5090": 210, "4090": 165, "4080": 97, "3090": 71, "3080": 60,
        // A server's processor with 16-bit matrix units; where it has none, what is measured soon says so.
        "CPU": 1.5,
    ]

    /// The share of a card that an instance of it has: `… MIG 3g.20gb` has three of seven.
    private static func slice(of words: [Substring]) -> Double {
        guard let mig = words.firstIndex(of: "MIG"), mig + 1 < words.count, words[mig + 1].hasSuffix("G"),
            let parts = Double(words[mig + 1].dropLast()), (1...7).contains(parts)
        else { return 1 }
        return parts / 7
    }
}

extension DeviceKind: Hashable {
    package static func == (one: DeviceKind, other: DeviceKind) -> Bool { one.name == other.name }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(name)
    }
}

extension DeviceKind: Codable {
    package init(from decoder: any Decoder) throws {
        self.init(name: try decoder.singleValueContainer().decode(String.self))
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(name)
    }
}
