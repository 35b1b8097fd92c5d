import ArgumentParser

/// The command `animato devices`: what the devices of a running server do, and what waits.
struct Devices: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "See what the devices of a running server do, and what waits.",
        discussion: """
            `animato top` shows the same live.

            Examples:
              animato devices
              animato devices --server http://10.0.0.7:5000

            Exit codes: 0 shown, 1 the server refused, 69 no server answers.
            """
    )

    @OptionGroup var server: ServerOption

    func run() async throws {
        let client = try server.client()
        try await APIClient.orExit { () async throws in
            let devices = try await client.devices()
            let queue = try await client.queue()
            for line in FleetTable.lines(devices) { print(line) }
            print(FleetTable.line(queue))
        }
    }
}

/// The command `animato drain`: no more work is started.
struct Drain: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Start no more work on a device, or on the whole server.",
        discussion: """
            What runs goes on to its end; what was accepted waits, until `animato resume` or a restart of the server.

            Examples:
              animato drain cuda:0
              animato drain

            Exit codes: 0 done, 1 there is no such device, 69 no server answers.
            """
    )

    @Argument(help: "The device, as `animato devices` names it; left out: the whole server.")
    var device: String?

    @OptionGroup var server: ServerOption

    func run() async throws {
        try await setDraining(true, device, server.client())
    }
}

/// The command `animato resume`: work is started again.
struct Resume: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Let a drained device, or the whole server, work again.",
        discussion: """
            A device that was drained for itself stays so when the whole server is resumed.

            Examples:
              animato resume cuda:0
              animato resume

            Exit codes: 0 done, 1 there is no such device, 69 no server answers.
            """
    )

    @Argument(help: "The device, as `animato devices` names it; left out: the whole server.")
    var device: String?

    @OptionGroup var server: ServerOption

    func run() async throws {
        try await setDraining(false, device, server.client())
    }
}

/// Says so to the server, and prints what it answers.
private func setDraining(_ isDraining: Bool, _ device: String?, _ client: APIClient) async throws {
    try await APIClient.orExit { () async throws in
        if let device {
            for line in FleetTable.lines([try await client.setDraining(isDraining, device: device)]) { print(line) }
        } else {
            print(FleetTable.line(try await client.setDraining(isDraining)))
        }
    }
}
