/// What a draft brings, and how it is to be used.
extension RequestCheck {
    /// The files, if the model takes them, they go together and each is of its kind.
    mutating func inputs(
        _ inputs: [InputRole: Media],
        missing: Set<InputRole>,
        allowed: Set<InputRole>
    ) -> [InputRole: MediaID] {
        let named = missing.union(inputs.keys)
        for role in InputRole.allCases where named.subtracting(allowed).contains(role) {
            reject(role.rawValue, .notAllowed, "\(role.rawValue): The model does not take it.")
        }
        for role in InputRole.allCases {
            guard let media = inputs[role] else { continue }
            if media.kind != role.kind {
                reject(
                    role.rawValue, .unusableMedia,
                    "\(role.rawValue) must be \(role.kind.article); this is \(media.kind.article).")
            }
        }
        if named.contains(.video) {
            for role in [InputRole.startImage, .endImage] where named.contains(role) {
                reject(role.rawValue, .notAllowed, "\(role.rawValue) does not go with video: leave one of them out.")
            }
        }
        return inputs.mapValues(\.id)
    }

    /// No request is accepted without a file that it names, whoever left it out.
    mutating func refuseIfNothingElseIsWrong(_ missing: Set<InputRole>) {
        guard violations.isEmpty else { return }
        for role in InputRole.allCases where missing.contains(role) {
            reject(role.rawValue, .unusableMedia, "\(role.rawValue) is not there.")
        }
    }

    /// How much of the given video is made anew; `nil` without one.
    mutating func strength(_ value: Double?, otherwise usual: Double, ofVideo hasVideo: Bool) -> Double? {
        guard hasVideo else {
            if value != nil { reject("strength", .notAllowed, "strength means nothing without video.") }
            return nil
        }
        return range(value ?? usual, field: "strength", range: 0.05...1)
    }

    mutating func stepCache(_ name: String?, among known: Set<StepCacheLevel>) -> StepCacheLevel {
        guard let name else { return .off }
        if let level = StepCacheLevel(rawValue: name), known.contains(level) { return level }
        let names = StepCacheLevel.allCases.filter(known.contains).map(\.rawValue).joined(separator: ", ")
        reject("step_cache", .notAllowed, "step_cache must be one of \(names).")
        return .off
    }

    /// The LoRAs in one order, whatever order they were named in.
    mutating func loras(_ wanted: [VideoRequest.Draft.LoRA], among known: [LoRADescription]) -> [LoRAUse] {
        if wanted.count > LoRAUse.maximumCount {
            reject(
                "loras", .tooLong, "loras must have at most \(LoRAUse.maximumCount) entries; there are \(wanted.count)."
            )
        }
        var uses: [LoRAUse] = []
        for lora in wanted.prefix(LoRAUse.maximumCount) {
            let shown = lora.name.prefix(64)
            guard let found = known.first(where: { $0.name == lora.name }) else {
                reject("loras", .notAllowed, "There is no LoRA \(shown).")
                continue
            }
            if !LoRAUse.scales.contains(lora.scale) {
                let range = LoRAUse.scales
                reject(
                    "loras", .outOfRange,
                    "The scale of \(shown) must be from \(range.lowerBound) to \(range.upperBound).")
            }
            if uses.contains(where: { $0.name == lora.name }) {
                reject("loras", .notAllowed, "loras names \(shown) twice.")
            }
            // The two zeros are one number with two spellings.
            let scale = lora.scale == 0 ? 0 : lora.scale
            uses.append(LoRAUse(name: found.name, fingerprint: found.fingerprint, scale: scale))
        }
        return uses.sorted { $0.name < $1.name }
    }
}

extension MediaKind {
    fileprivate var article: String {
        switch self {
        case .image: "a picture"
        case .video: "a video"
        }
    }
}

extension ModelDescription {
    /// The size of a video whose request names none: the usual one, or that of the nearest aspect ratio to what is given.
    func defaultSize(for draft: VideoRequest.Draft) -> VideoSize {
        let usual = VideoSize(width: defaults.width, height: defaults.height)
        let roles: [InputRole] = [.video, .startImage, .controlVideo, .endImage, .refImage]
        guard draft.width == nil, draft.height == nil, let given = roles.lazy.compactMap({ draft.inputs[$0] }).first,
            given.width > 0, given.height > 0
        else { return usual }
        let ratio = Double(given.width) / Double(given.height)
        // A quotient makes 2:1 and 1:2 equally far from 1:1, as a difference does not.
        func distance(_ size: VideoSize) -> Double {
            let other = Double(size.width) / Double(size.height)
            return max(ratio / other, other / ratio)
        }
        return sizes.min { distance($0) < distance($1) } ?? usual
    }
}
