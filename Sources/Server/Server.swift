import ArgumentParser
import Yams
@main
struct Animato: AsyncParsableCommand { func run() async throws { print("x") } }
