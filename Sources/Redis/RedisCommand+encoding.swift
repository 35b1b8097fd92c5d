import NIOCore

extension RedisCommand {
    /// How many bytes it is on the wire.
    var encodedSize: Int {
        arguments.reduce(Self.digits(arguments.count) + 3) { size, argument in
            size + Self.digits(argument.count) + argument.count + 5
        }
    }

    /// Appends it as an array of strings.
    func encode(into buffer: inout ByteBuffer) {
        buffer.reserveCapacity(minimumWritableBytes: encodedSize)
        buffer.writeString("*\(arguments.count)\r\n")
        for argument in arguments {
            buffer.writeString("$\(argument.count)\r\n")
            buffer.writeBytes(argument)
            buffer.writeStaticString("\r\n")
        }
    }

    private static func digits(_ number: Int) -> Int {
        var digits = 1
        var rest = number / 10
        while rest > 0 {
            digits += 1
            rest /= 10
        }
        return digits
    }
}
