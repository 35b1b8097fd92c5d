// Prompts to begin with: for the small drawn world of the tiny model, and for models that know the real one.

const examples = {
  drawn: [
    ["A cat playing on the grass", "一只猫在草地上玩耍"],
    ["A red car moving to the left over the sea", "一辆红色汽车在海上向左移动"],
    ["A rocket flying up in the night sky", "一枚火箭在夜空中向上飞"],
    ["A robot bouncing in the desert", "一个机器人在沙漠里上下跳动"],
    ["A tropical fish moving to the right in the blue ocean", "一条热带鱼在大海里向右移动"],
    ["A red balloon rising in the snow", "一个红气球在雪地里升起来"],
    ["A dog running left on the grass", "一只狗在草地上向左跑"],
    ["A yellow star falling down at night", "一颗黄色的星星在夜空中向下落"],
    ["A basketball jumping up and down on the sand", "一个篮球在沙地上跳来跳去"],
  ],
  general: [
    ["A ginger cat walks through tall grass at sunrise, shallow depth of field, the camera follows slowly",
      "一只橘猫在日出时穿过高高的草丛，浅景深，镜头缓缓跟随"],
    ["Waves break on black rocks, seen from above, spray in the evening light", "俯瞰海浪拍打黑色礁石，夕阳下浪花飞溅"],
    ["A paper boat drifts down a rainy street, neon lights reflected in the water", "一只纸船漂过雨中的街道，水面倒映着霓虹灯"],
    ["Steam rises from a cup of tea on a wooden table, morning light through a window", "木桌上的一杯茶升起热气，晨光透过窗户"],
    ["A red kite dances over a wheat field, clouds move fast, wide shot", "红色风筝在麦田上空飞舞，云层快速移动，远景"],
    ["Ink spreads in clear water and becomes a crane that opens its wings", "墨水在清水中散开，化作一只展翅的鹤"],
  ],
};
const examplesShown = 3;
let firstExample = 0;

/** What is known of a model by its name; the small ones that come with the server know the drawn world alone. */
const knowsDrawnWorldOnly = (model) => /tiny/i.test(model?.name ?? "");

function showExamples() {
  const all = examples[knowsDrawnWorldOnly(chosenModel()) ? "drawn" : "general"];
  const some = Array.from({ length: examplesShown }, (_, index) => all[(firstExample + index) % all.length]);
  byId("examples").replaceChildren(
    ...some.map(([english, chinese]) => {
      const text = language === "zh" ? chinese : english;
      return make("button", {
        type: "button", class: "chip", title: text, onclick: () => {
          byId("prompt").value = text;
          byId("prompt").focus();
          composerChanged();
        },
      }, text);
    }),
    make("button", {
      type: "button", class: "chip", "aria-label": t("more_examples"), title: t("more_examples"), onclick: () => {
        firstExample = (firstExample + examplesShown) % all.length;
        showExamples();
        byId("examples").lastChild.focus();
      },
    }, icon("again")));
}
