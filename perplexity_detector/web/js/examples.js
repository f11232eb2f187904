// Example texts, written for this page.

export const EXAMPLES = [
  {
    label: "a casual text",
    text: `My grandad kept bees for thirty one years and he never once wore the suit properly, he just tucked his trousers into his socks and hoped. I got stung on the eyelid when I was seven and he put half an onion on it, which did nothing except make me cry out of both eyes. Mum was furious with the pair of us.

When he died we didnt know what to do with the hives. You can't exactly put them on the landing. In the end a woman called Bernadette came from over Whitby way with a horsebox, at night because thats when they're all in, and she taped the doors shut with gaffer tape and drove off at about nine miles an hour. I sat in the front with her. She said you have to tell them when somebody's died, you knock on the wood and say it, and I felt a right idiot but I did it. Four hives, four times.

I'm not saying they understood. But it was the first time I'd said it out loud, and by the last one I could actually get to the end of the sentence.`,
  },
  {
    label: "a text in the style of a model",
    text: `Beekeeping has become an increasingly important practice in today's rapidly changing world. As pollinators face mounting challenges, individuals and communities alike are recognizing the vital role that bees play in maintaining healthy ecosystems. In this essay, we will explore the environmental, economic, and personal benefits of keeping bees.

First and foremost, bees contribute significantly to biodiversity. By pollinating a wide range of plants, they help sustain the natural habitats upon which countless species depend. Furthermore, their presence supports agricultural productivity, ensuring that farmers are able to produce the fruits and vegetables that form the foundation of a balanced diet.

In addition to these environmental advantages, beekeeping offers meaningful economic opportunities. Honey, beeswax, and other products can provide a valuable source of income for families and small businesses. Moreover, the practice fosters a deeper sense of connection to nature, encouraging patience, responsibility, and mindfulness.

In conclusion, beekeeping is far more than a simple hobby; it is a powerful way to support the environment, strengthen local economies, and enrich our own lives. By embracing this practice, we can take an important step toward a more sustainable future for generations to come.`,
  },
  {
    label: "a text too short for a verdict",
    text: "The bees are fine, thanks for asking. We moved the hives behind the shed last week and so far nobody has been stung except the postman, twice.",
  },
];
