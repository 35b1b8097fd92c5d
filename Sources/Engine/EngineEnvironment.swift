/// What an engine process sees of the server's environment: these variables, and nothing else.
package enum EngineEnvironment {
    /// The names that are passed on where they are set.
    ///
    /// Everything else, the server's secrets among it, stays here.
    package static let passedOn: Set<String> = [
        // Where things are, and which user this is: libraries put their caches by it.
        "PATH", "HOME", "USER", "LOGNAME", "TMPDIR", "XDG_CACHE_HOME", "LD_LIBRARY_PATH",
        "LANG", "LC_ALL", "LC_CTYPE", "TZ",
        // The graphics cards and the memory of them.
        "CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER", "NVIDIA_VISIBLE_DEVICES", "PYTORCH_ALLOC_CONF",
        "PYTORCH_CUDA_ALLOC_CONF",
        // Where models come from. `HF_TOKEN` is for those that need an account.
        "HF_HOME", "HF_HUB_CACHE", "HF_HUB_OFFLINE", "HF_ENDPOINT", "HF_TOKEN",
        "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy",
        "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE",
    ]

    /// The environment of one engine process.
    ///
    /// - Parameters:
    ///   - settings: where the server's environment and the number of threads are.
    ///   - parent: the server's process id.
    /// - Returns: names and values.
    static func variables(_ settings: EngineSettings, parent: Int32) -> [String: String] {
        var variables = settings.environment.filter { passedOn.contains($0.key) }
        // So that `cuda:1` is the same GPU here, where NVML numbers by the bus, as in the engine.
        if variables["CUDA_DEVICE_ORDER"] == nil { variables["CUDA_DEVICE_ORDER"] = "PCI_BUS_ID" }
        variables["ANIMATO_ENGINE_PARENT"] = String(parent)
        variables["OMP_NUM_THREADS"] = settings.threads.map(String.init)
        return variables
    }
}
