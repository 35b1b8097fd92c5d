import Foundation
import Testing

/// A library with NVML's functions, built from C, whose answers a test writes into a file beside it.
struct NVMLStub: Sendable {
    enum Kind: String, CaseIterable {
        case whole
        /// Answers nothing but the start: no NVML.
        case almostEmpty = "-DALMOST_EMPTY"
        /// Has only what NVML had ten years ago.
        case old = "-DOLD"
    }

    let path: String

    /// Puts a library of its own into a folder: libraries are told apart by their files.
    init(in folder: String, kind: Kind = .whole, _ answers: [String: String] = [:]) throws {
        path = folder + "/libstub-\(UUID().uuidString).so"
        try #require(Self.built.get()[kind]).write(to: URL(filePath: path))
        try answer(answers)
    }

    /// What it answers from now on: `count`, `init`, `hang`, and by GPU `0.total`, `0.uuid`, `0.error` and so on.
    func answer(_ answers: [String: String]) throws {
        let lines = answers.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)\n" }.joined()
        // Atomically: it is read at every call.
        try Data(lines.utf8).write(to: URL(filePath: path + ".txt"), options: .atomic)
    }

    /// The file of each kind, compiled at the first use.
    private static let built = Result { () throws -> [Kind: Data] in
        let folder = NSTemporaryDirectory() + "/animato-nvml-stub-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let source = folder + "/stub.c"
        try Data(Self.source.utf8).write(to: URL(filePath: source))
        var libraries: [Kind: Data] = [:]
        for kind in Kind.allCases {
            let library = folder + "/stub.so"
            let compiler = Process()
            compiler.executableURL = URL(filePath: "/usr/bin/env")
            compiler.arguments =
                ["cc", "-shared", "-fPIC", "-Wall", "-Werror", "-Wno-unused"]
                + (kind == .whole ? [] : [kind.rawValue]) + ["-o", library, source, "-ldl"]
            try compiler.run()
            compiler.waitUntilExit()
            try #require(compiler.terminationStatus == 0, "the stub of NVML cannot be compiled")
            libraries[kind] = try Data(contentsOf: URL(filePath: library))
        }
        return libraries
    }

    private static let source = """
        #define _GNU_SOURCE
        #include <dlfcn.h>
        #include <stdio.h>
        #include <stdlib.h>
        #include <string.h>
        #include <time.h>

        /* nvml.h */
        typedef struct nvmlDevice_st { int gpu; int part; } *nvmlDevice_t;
        typedef struct { unsigned long long total, free, used; } nvmlMemory_t;
        typedef struct { unsigned int gpu, memory; } nvmlUtilization_t;
        typedef struct {
            unsigned int pid;
            unsigned long long usedGpuMemory;
            unsigned int gpuInstanceId, computeInstanceId;
        } nvmlProcessInfo_t;

        static struct nvmlDevice_st devices[8][8];

        /* The answer to a question, from the file beside this library. */
        static int find(const char *key, char *value, int size) {
            Dl_info info;
            char line[256], path[1024];
            if (!dladdr((void *)find, &info)) return 0;
            snprintf(path, sizeof path, "%s.txt", info.dli_fname);
            FILE *file = fopen(path, "r");
            if (!file) return 0;
            int found = 0;
            while (!found && fgets(line, sizeof line, file)) {
                char *equals = strchr(line, '=');
                if (!equals) continue;
                *equals = 0;
                if (strcmp(line, key)) continue;
                snprintf(value, size, "%s", equals + 1);
                value[strcspn(value, "\\n")] = 0;
                found = 1;
            }
            fclose(file);
            return found;
        }

        static unsigned long long number(const char *key, unsigned long long otherwise) {
            char value[64];
            return find(key, value, sizeof value) ? strtoull(value, 0, 0) : otherwise;
        }

        /* "3.name" of a GPU, "3/1.name" of a partition. */
        static const char *key(nvmlDevice_t device, const char *name) {
            static char text[64];
            if (device->part < 0) snprintf(text, sizeof text, "%d.%s", device->gpu, name);
            else snprintf(text, sizeof text, "%d/%d.%s", device->gpu, device->part, name);
            return text;
        }

        /* Blocks for as long as the file says so. */
        static void hang(void) {
            struct timespec pause = {0, 2000000};
            while (number("hang", 0)) nanosleep(&pause, 0);
        }

        static int failure(nvmlDevice_t device, const char *name) {
            hang();
            int status = (int)number(key(device, "error"), 0);
            if (status) return status;
            char own[32];
            snprintf(own, sizeof own, "%s.error", name);
            return (int)number(key(device, own), 0);
        }

        int nvmlInit_v2(void) {
            hang();
            return (int)number("init", 0);
        }

        #ifndef ALMOST_EMPTY
        int nvmlShutdown(void) { return 0; }

        int nvmlDeviceGetCount_v2(unsigned int *count) {
            hang();
            *count = (unsigned int)number("count", 0);
            return (int)number("count.error", 0);
        }

        int nvmlDeviceGetHandleByIndex_v2(unsigned int index, nvmlDevice_t *device) {
            /* "move.1=2": what is now number 1 was number 2. */
            char name[32];
            snprintf(name, sizeof name, "move.%u", index);
            index = (unsigned int)number(name, index);
            if (index >= 8) return 2;
            *device = &devices[index][0];
            (*device)->gpu = (int)index;
            (*device)->part = -1;
            if (number(key(*device, "null"), 0)) *device = 0;
            return *device ? (int)number(key(*device, "handle.error"), 0) : 0;
        }

        static int text(nvmlDevice_t device, const char *name, char *buffer, unsigned int size) {
            int status = failure(device, name);
            if (status) return status;
            char value[256];
            if (!find(key(device, name), value, sizeof value))
                snprintf(value, sizeof value, "%s-%d-%d", strcmp(name, "uuid") ? "Stub" : "GPU", device->gpu,
                         device->part + 1);
            if (number(key(device, "endless"), 0)) memset(buffer, 'x', size);
            else snprintf(buffer, size, "%s", value);
            return 0;
        }

        int nvmlDeviceGetName(nvmlDevice_t device, char *buffer, unsigned int size) {
            return text(device, "name", buffer, size);
        }

        int nvmlDeviceGetUUID(nvmlDevice_t device, char *buffer, unsigned int size) {
            return text(device, "uuid", buffer, size);
        }

        int nvmlDeviceGetMemoryInfo(nvmlDevice_t device, nvmlMemory_t *memory) {
            int status = failure(device, "memory");
            memory->total = number(key(device, "total"), 80ULL << 30);
            memory->free = number(key(device, "free"), 70ULL << 30);
            memory->used = memory->total - memory->free;
            return status;
        }
        #endif

        #if !defined(ALMOST_EMPTY) && !defined(OLD)
        int nvmlDeviceGetUtilizationRates(nvmlDevice_t device, nvmlUtilization_t *utilization) {
            if (device->part >= 0) return 3;
            utilization->gpu = (unsigned int)number(key(device, "utilisation"), 25);
            utilization->memory = 1;
            return failure(device, "utilisation");
        }

        int nvmlDeviceGetTemperature(nvmlDevice_t device, int sensor, unsigned int *temperature) {
            if (device->part >= 0 || sensor != 0) return 3;
            *temperature = (unsigned int)number(key(device, "temperature"), 40);
            return failure(device, "temperature");
        }

        int nvmlDeviceGetComputeRunningProcesses_v3(nvmlDevice_t device, unsigned int *count, nvmlProcessInfo_t *infos) {
            int status = failure(device, "processes");
            if (status) return status;
            unsigned int there = (unsigned int)number(key(device, "processes"), 0);
            for (unsigned int index = 0; index < there && index < *count; index++) {
                infos[index].pid = 100 + index;
                infos[index].usedGpuMemory = index == 1 ? ~0ULL : (index + 1) * 1000ULL;
                infos[index].gpuInstanceId = infos[index].computeInstanceId = 0xFFFFFFFF;
            }
            status = there > *count ? 7 : 0;
            *count = (unsigned int)number(key(device, "processes.count"), there);
            return status;
        }

        int nvmlDeviceGetMigMode(nvmlDevice_t device, unsigned int *current, unsigned int *pending) {
            char value[8];
            if (!find(key(device, "parts"), value, sizeof value)) return 3;
            *current = *pending = 1;
            return 0;
        }

        int nvmlDeviceGetMaxMigDeviceCount(nvmlDevice_t device, unsigned int *count) {
            *count = 7;
            return failure(device, "parts");
        }

        /* "0.parts=2": the second and third of seven are there. */
        int nvmlDeviceGetMigDeviceHandleByIndex(nvmlDevice_t device, unsigned int index, nvmlDevice_t *part) {
            if (index == 0 || index > number(key(device, "parts"), 0)) return 6;
            *part = &devices[device->gpu][index];
            (*part)->gpu = device->gpu;
            (*part)->part = (int)index;
            return 0;
        }
        #endif

        """
}
