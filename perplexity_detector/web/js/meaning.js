// What the numbers mean, in plain words; the same in the report and on the page.

import { element } from "./dom.js";

const WORDS = [
  [
    "Probability",
    "How likely a language model wrote the text, if before reading it was as likely as not. It is " +
      "calibrated on texts of known makers and can be wrong about other kinds: letters, poems, " +
      "translations, essays by learners, drafts that a tool has polished.",
  ],
  [
    "Verdict",
    "“Generated” only where the probability reaches what a chosen small share of people's texts " +
      "reaches, by default 1 in 100: in a school with 500 honest essays, about five are still " +
      "called so wrongly. “Uncertain” is an answer: the text says too little.",
  ],
  [
    "What to do with it",
    "A score is not proof, and a false accusation harms a student. Never decide by it alone: ask " +
      "how the text came about, look at drafts and at earlier work, and let the writer speak.",
  ],
  [
    "Surprisal",
    "How unexpected a token (a word or a part of one) was to a small language model, in nats: 0 is " +
      "certain, 2.3 is one chance in ten, 4.6 one in a hundred.",
  ],
  ["Rank", "Where the token stood on the model's list of guesses; 1 is its first guess."],
  [
    "Contrast",
    "How much likelier models' prose makes the token than people's prose does; above 0 speaks for a " +
      "model, below 0 for a person.",
  ],
];

export function drawMeaning() {
  return element(
    "dl",
    { class: "meaning" },
    WORDS.map(([word, says]) => element("div", {}, element("dt", {}, word), element("dd", {}, says))),
  );
}
