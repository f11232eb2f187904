// Draws the explanation that a report carries.

import { section } from "./dom.js";
import { drawExplanation } from "./explanation.js";
import { drawMeaning } from "./meaning.js";

const explanation = JSON.parse(document.getElementById("explanation").textContent);
drawExplanation(document.getElementById("drawing"), explanation);
document.getElementById("meaning").replaceWith(section("about", "What the numbers mean", drawMeaning()));
