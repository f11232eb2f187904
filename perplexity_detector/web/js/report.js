// The script of a report: draws the explanation embedded in the file.

import { drawCover } from "./cover.js";
import { section } from "./dom.js";
import { drawExplanation } from "./explanation.js";
import { GUIDE_TITLE, drawGuide } from "./guide.js";

const explanation = JSON.parse(document.getElementById("explanation").textContent);
document.getElementById("cover").replaceWith(drawCover(explanation));
drawExplanation(document.getElementById("drawing"), explanation);
document.getElementById("guide").replaceWith(section("about", GUIDE_TITLE, drawGuide()));
