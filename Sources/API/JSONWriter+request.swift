import Tasks

extension JSONWriter {
    /// A request with its defaults filled in, keys sorted.
    mutating func request(_ request: VideoRequest) {
        object { json in
            json.key("control_video")
            json.media(request.inputs[.controlVideo])
            json.key("degrade")
            json.string((request.degradation == nil ? Degrade.never : .allow).rawValue)
            json.key("end_image")
            json.media(request.inputs[.endImage])
            json.key("fps")
            json.number(request.fps)
            json.key("guidance_scale")
            json.number(request.guidanceScale)
            json.key("height")
            json.number(request.height)
            json.key("loras")
            json.array { json in
                for lora in request.loras { json.lora(lora) }
            }
            json.key("min_frames")
            json.floor(request.degradation?.minFrames)
            json.key("min_height")
            json.floor(request.degradation?.minHeight)
            json.key("min_steps")
            json.floor(request.degradation?.minSteps)
            json.key("negative_prompt")
            json.string(request.negativePrompt)
            json.key("num_frames")
            json.number(request.numFrames)
            json.key("num_inference_steps")
            json.number(request.numInferenceSteps)
            json.key("prompt")
            json.string(request.prompt)
            json.key("ref_image")
            json.media(request.inputs[.refImage])
            json.key("seed")
            json.optional(request.seed) { json, seed in json.number(seed) }
            json.key("start_image")
            json.media(request.inputs[.startImage])
            json.key("step_cache")
            json.string(request.stepCache.rawValue)
            json.key("strength")
            json.optional(request.strength) { json, strength in json.number(strength) }
            json.key("video")
            json.media(request.inputs[.video])
            json.key("width")
            json.number(request.width)
        }
    }

    private mutating func floor(_ least: Int?) {
        optional(least) { json, least in json.number(least) }
    }

    private mutating func media(_ id: MediaID?) {
        optional(id) { json, id in json.string(id.hex) }
    }

    private mutating func lora(_ lora: LoRAUse) {
        object { json in
            json.key("name")
            json.string(lora.name)
            json.key("scale")
            json.number(lora.scale)
        }
    }
}
