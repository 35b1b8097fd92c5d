import Tasks

extension JSONWriter {
    /// Models and LoRAs as clients see them, keys sorted.
    mutating func catalog(_ catalog: ModelCatalog) {
        object { json in
            json.key("loras")
            json.array { json in
                for lora in catalog.loras { json.lora(lora) }
            }
            json.key("models")
            json.array { json in
                for model in catalog.models { json.model(model, isDefault: model.name == catalog.models.first?.name) }
            }
        }
    }

    private mutating func lora(_ lora: LoRADescription) {
        object { json in
            json.key("bytes")
            json.number(lora.bytes)
            json.key("fingerprint")
            json.string(lora.fingerprint)
            json.key("name")
            json.string(lora.name)
        }
    }

    private mutating func model(_ model: ModelDescription, isDefault: Bool) {
        object { json in
            json.key("default")
            json.bool(isDefault)
            json.key("defaults")
            json.defaults(model.defaults)
            json.key("family")
            json.string(model.family)
            json.key("fingerprint")
            json.string(model.fingerprint)
            json.key("inputs")
            json.words(InputRole.allCases.filter(model.inputs.contains))
            json.key("limits")
            json.limits(model.limits)
            json.key("memory_modes")
            json.words(model.memoryModes)
            json.key("name")
            json.string(model.name)
            json.key("sizes")
            json.array { json in
                for size in model.sizes { json.size(size.width, size.height) }
            }
            json.key("step_cache")
            json.words(StepCacheLevel.allCases.filter(model.stepCache.contains))
        }
    }

    private mutating func defaults(_ defaults: RequestDefaults) {
        object { json in
            json.key("fps")
            json.number(defaults.fps)
            json.key("guidance_scale")
            json.number(defaults.guidanceScale)
            json.key("height")
            json.number(defaults.height)
            json.key("negative_prompt")
            json.string(defaults.negativePrompt)
            json.key("num_frames")
            json.number(defaults.numFrames)
            json.key("num_inference_steps")
            json.number(defaults.numInferenceSteps)
            json.key("strength")
            json.number(defaults.strength)
            json.key("width")
            json.number(defaults.width)
        }
    }

    private mutating func limits(_ limits: ModelLimits) {
        object { json in
            json.key("frame_step")
            json.number(limits.frameStep)
            json.key("max_fps")
            json.number(limits.fps.upperBound)
            json.key("max_frames")
            json.number(limits.frames.upperBound)
            json.key("max_guidance")
            json.number(limits.guidance.upperBound)
            json.key("max_height")
            json.number(limits.height.upperBound)
            json.key("max_pixels")
            json.number(limits.maxPixels)
            json.key("max_prompt_characters")
            json.number(limits.maxPromptCharacters)
            json.key("max_steps")
            json.number(limits.steps.upperBound)
            json.key("max_width")
            json.number(limits.width.upperBound)
            json.key("min_fps")
            json.number(limits.fps.lowerBound)
            json.key("min_frames")
            json.number(limits.frames.lowerBound)
            json.key("min_guidance")
            json.number(limits.guidance.lowerBound)
            json.key("min_height")
            json.number(limits.height.lowerBound)
            json.key("min_steps")
            json.number(limits.steps.lowerBound)
            json.key("min_width")
            json.number(limits.width.lowerBound)
            json.key("size_multiple")
            json.number(limits.sizeMultiple)
        }
    }

    private mutating func words(_ words: [some RawRepresentable<String>]) {
        array { json in
            for word in words { json.string(word.rawValue) }
        }
    }
}
