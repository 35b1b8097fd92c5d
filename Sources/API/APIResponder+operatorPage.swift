extension APIResponder {
    /// The page for people who look after a server.
    static let operatorPage = HTMLPage(OperatorHTML.text)
}
