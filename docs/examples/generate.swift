// Has a video made and downloads it, with nothing but Foundation.
//
//     swiftc -swift-version 6 -parse-as-library generate.swift && ./generate "一只猫在草地上玩耍" cat.mp4
import Foundation

#if canImport(FoundationNetworking)
import FoundationNetworking
#endif

/// What is read of a task; it has more.
struct VideoTask: Decodable {
    struct Progress: Decodable { let percent: Int }
    struct Reason: Decodable { let code, message: String }

    let status: String
    let taskURL: URL
    let videoURL: URL?
    let progress: Progress?
    let error: Reason?

    enum CodingKeys: String, CodingKey {
        case status, progress, error
        case taskURL = "task_url"
        case videoURL = "video_url"
    }
}

/// What the server says is wrong.
struct Problem: Decodable, Error {
    struct Violation: Decodable { let field, code, message: String }

    let code, detail: String
    let violations: [Violation]?
}

struct Client {
    let server: URL
    let key: String?

    func send(_ url: URL, body: [String: Any]? = nil) async throws -> Data {
        var request = URLRequest(url: url)
        if let key { request.setValue("Bearer \(key)", forHTTPHeaderField: "Authorization") }
        if let body {
            request.httpMethod = "POST"
            request.httpBody = try JSONSerialization.data(withJSONObject: body)
            request.setValue("application/json", forHTTPHeaderField: "Content-Type")
            // With a key, asking again after a lost answer gives the same task.
            request.setValue(UUID().uuidString, forHTTPHeaderField: "Idempotency-Key")
        }
        let (data, response) = try await URLSession.shared.data(for: request)
        guard let status = (response as? HTTPURLResponse)?.statusCode, status < 400 else {
            throw try JSONDecoder().decode(Problem.self, from: data)
        }
        return data
    }

    /// Asks for a video, and returns once it has ended.
    func video(of prompt: String) async throws -> VideoTask {
        let body: [String: Any] = ["prompt": prompt, "width": 768, "height": 448, "num_frames": 49]
        var data = try await send(server.appending(path: "api/v1/generate"), body: body)
        while true {
            let task = try JSONDecoder().decode(VideoTask.self, from: data)
            guard task.status == "PENDING" || task.status == "RUNNING" else { return task }
            print("\(task.status.lowercased()) \(task.progress?.percent ?? 0) %")
            try await Task.sleep(for: .seconds(1))
            data = try await send(task.taskURL)
        }
    }
}

@main
enum Generate {
    static func main() async {
        let arguments = CommandLine.arguments
        let environment = ProcessInfo.processInfo.environment
        guard arguments.count == 3, let server = URL(string: environment["ANIMATO_SERVER"] ?? "http://127.0.0.1:5000")
        else { return fail("usage: generate PROMPT FILE") }
        let client = Client(server: server, key: environment["ANIMATO_KEY"])
        do {
            let task = try await client.video(of: arguments[1])
            guard let url = task.videoURL else { return fail("\(task.status): \(task.error?.message ?? "")") }
            try await client.send(url).write(to: URL(filePath: arguments[2]))
            print(arguments[2])
        } catch let problem as Problem {
            fail("\(problem.code): \((problem.violations?.map(\.message) ?? [problem.detail]).joined(separator: " "))")
        } catch {
            fail("\(error)")
        }
    }

    static func fail(_ message: String) {
        FileHandle.standardError.write(Data("\(message)\n".utf8))
        exit(1)
    }
}
