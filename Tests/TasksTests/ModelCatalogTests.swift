import Tasks
import TestSupport
import Testing

@Suite("Model catalog")
struct ModelCatalogTests {
    private static func model(_ name: String, _ inputs: Set<InputRole>) -> ModelDescription {
        var model = ModelDescription.fixture
        model.name = name
        model.inputs = inputs
        return model
    }

    private let catalog = ModelCatalog(models: [
        model("text", []), model("inpaint", [.startImage, .endImage, .video]),
        model("control", [.controlVideo, .refImage]), model("other", [.startImage]),
    ])

    @Test(
        "Without a name the first model is chosen that takes all that is brought",
        arguments: [
            ([], "text"), ([.startImage], "inpaint"), ([.startImage, .endImage], "inpaint"), ([.video], "inpaint"),
            ([.controlVideo], "control"), ([.refImage], "control"),
        ] as [(Set<InputRole>, String)]
    )
    func unnamed(roles: Set<InputRole>, name: String) throws {
        let (model, violations) = try #require(catalog.choice(of: nil, bringing: roles))
        #expect(model.name == name)
        #expect(violations.isEmpty)
    }

    @Test("If no model takes all, the one is chosen that takes most, and what it does not take is named")
    func mostFitting() throws {
        let roles: Set<InputRole> = [.startImage, .endImage, .refImage]
        let (model, violations) = try #require(catalog.choice(of: nil, bringing: roles))
        #expect(model.name == "inpaint")
        #expect(violations.map(\.field) == ["ref_image"])
        #expect(violations.map(\.code) == [.notAllowed])
        #expect(violations.first?.message == "ref_image: No model here takes it with the other inputs.")
    }

    @Test("Of models that take equally many, the first is chosen")
    func equallyFitting() throws {
        let (model, violations) = try #require(catalog.choice(of: nil, bringing: [.startImage, .controlVideo]))
        #expect(model.name == "inpaint")
        #expect(violations.map(\.field) == ["control_video"])
    }

    @Test("What no model takes is named, in the order of the fields")
    func nothingFits() throws {
        let catalog = ModelCatalog(models: [Self.model("text", []), Self.model("other", [])])
        let (model, violations) = try #require(catalog.choice(of: nil, bringing: [.video, .startImage]))
        #expect(model.name == "text")
        #expect(violations.map(\.field) == ["start_image", "video"])
        #expect(violations.first?.message == "start_image: No model here takes it.")
    }

    @Test("A model that is named is chosen, even if another would fit")
    func named() throws {
        let (other, none) = try #require(catalog.choice(of: "other", bringing: [.startImage]))
        #expect(other.name == "other")
        #expect(none.isEmpty)
        let (text, violations) = try #require(catalog.choice(of: "text", bringing: [.startImage, .video]))
        #expect(text.name == "text")
        #expect(violations.map(\.field) == ["start_image", "video"])
        #expect(violations.map(\.code) == [.notAllowed, .notAllowed])
        #expect(violations.first?.message == "start_image: text does not take it.")
    }

    @Test("A name that no model has is refused with those that there are; the rest is judged by the model that fits")
    func unknown() throws {
        let (model, violations) = try #require(catalog.choice(of: "txet", bringing: [.video]))
        #expect(model.name == "inpaint")
        #expect(violations.map(\.field) == ["model"])
        #expect(violations.map(\.code) == [.notAllowed])
        #expect(
            violations.first?.message == "There is no model of that name; there are text, inpaint, control, other.")
        let (_, more) = try #require(catalog.choice(of: "txet", bringing: [.video, .refImage]))
        #expect(more.map(\.field) == ["model", "ref_image"])
    }

    @Test("Without models there is no choice")
    func empty() {
        #expect(ModelCatalog(models: []).choice(of: nil, bringing: []) == nil)
        #expect(ModelCatalog(models: []).choice(of: "text", bringing: [.video]) == nil)
    }

    @Test("A model is found by its whole name alone")
    func lookup() {
        #expect(catalog.model(named: "inpaint") == catalog.models[1])
        #expect(catalog.model(named: "Inpaint") == nil)
        #expect(catalog.model(named: "") == nil)
    }
}
