// What the numbers mean, in plain words; the same in the report and on the page.

import { element } from "./dom.js";

export const GUIDE_TITLE = "What the numbers mean";

const ENTRIES = [
  [
    "Probability",
    "How likely it is that a language model wrote the text, if both answers were equally likely " +
      "beforehand. It was calibrated on texts of known origin. It can be wrong about other kinds " +
      "of text: letters, poems, translations, essays by learners, drafts polished by a tool.",
  ],
  [
    "Verdict",
    "“Generated” is given only above a threshold that few human texts reach, by default 1 in 100. " +
      "Among 500 honest essays, about five are still flagged by mistake. “Uncertain” is a valid " +
      "answer: the text gives too little evidence.",
  ],
  [
    "Marked passages",
    "Sentences in a row that together read more like a model’s than any in most texts by people. " +
      "They are marked in at most 1 in 100 texts by people. “Mixed” means that passages are marked " +
      "and the text as a whole is not called generated. Most inserted passages are not found.",
  ],
  [
    "What to do with it",
    "A score is not proof, and a false accusation harms a student. Never decide on it alone. Ask " +
      "how the text was written, look at drafts and earlier work, and listen to the writer.",
  ],
  [
    "Surprisal",
    "How unexpected a token (a word or part of a word) was to a small language model, in nats: 0 " +
      "is certain, 2.3 is one chance in ten, 4.6 one in a hundred. Perplexity is the same thing " +
      "averaged over a text: the lower, the more predictable.",
  ],
  ["Rank", "The token's position in the model's list of guesses; 1 is its first guess."],
  [
    "Entropy",
    "How uncertain the model was about the next token, in nats: 0 if it was sure, higher if many " +
      "tokens were possible.",
  ],
  [
    "Contrast",
    "How much more likely the token is in model-written text than in human text. Positive values " +
      "point to a model, negative ones to a person.",
  ],
  [
    "Hidden states",
    "The numbers a language model computes inside while it reads a text. They differ between human " +
      "and model-written texts. A small network turns them into log-odds: above 0 they resemble " +
      "model-written text, below 0 human text. These are surer than they should be, so compare " +
      "sentences with one another.",
  ],
];

export function drawGuide() {
  return element(
    "dl",
    { class: "guide" },
    ENTRIES.map(([term, text]) =>
      element("div", {}, element("dt", {}, term), element("dd", {}, text)),
    ),
  );
}
