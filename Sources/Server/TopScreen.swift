import Foundation

/// The terminal while `animato top` has it: another screen, no cursor, keys read one by one.
///
/// `leave` puts everything back as it was.
struct TopScreen {
    /// Of the keyboard, as it was; `nil` where nobody types.
    private let before: termios?

    /// Takes the terminal.
    init() {
        var settings = termios()
        if isatty(STDIN_FILENO) == 1, tcgetattr(STDIN_FILENO, &settings) == 0 {
            before = settings
            settings.c_lflag &= ~tcflag_t(ICANON | ECHO)
            // A program that is stopped while it has the other screen leaves a mess behind.
            let none = UInt8(truncatingIfNeeded: fpathconf(STDIN_FILENO, Int32(_PC_VDISABLE)))
            withUnsafeMutableBytes(of: &settings.c_cc) { $0[Int(VSUSP)] = none }
            tcsetattr(STDIN_FILENO, TCSANOW, &settings)
        } else {
            before = nil
        }
        Terminal.write("\u{1B}[?1049h\u{1B}[?25l")
    }

    /// Whether keys can be read.
    var hasKeyboard: Bool { before != nil }

    /// Draws lines over those that are there, which does not flicker as clearing would.
    func draw(_ lines: [TopFrame.Line]) {
        let drawn = lines.map { line in
            line.isHeading ? "\u{1B}[1m\(line.text)\u{1B}[0m\u{1B}[K" : "\(line.text)\u{1B}[K"
        }
        Terminal.write("\u{1B}[H" + drawn.joined(separator: "\n") + "\u{1B}[J")
    }

    /// Gives the terminal back.
    func leave() {
        Terminal.write("\u{1B}[?25h\u{1B}[?1049l")
        guard var before else { return }
        tcsetattr(STDIN_FILENO, TCSANOW, &before)
    }
}
