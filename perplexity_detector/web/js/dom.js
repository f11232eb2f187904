// Makes elements. What a text says only ever becomes a text node, so it can never become markup.

const SVG = "http://www.w3.org/2000/svg";

export function element(name, attributes = {}, ...children) {
  return filled(document.createElement(name), attributes, children);
}

export function svg(name, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, name), attributes, children);
}

/** Sets custom properties; a strict Content-Security-Policy forbids style attributes. */
export function withVariables(node, variables) {
  for (const [name, value] of Object.entries(variables)) node.style.setProperty(name, value);
  return node;
}

export function on(node, type, listener) {
  node.addEventListener(type, listener);
  return node;
}

let made = 0;

export function uniqueId(name) {
  made += 1;
  return `${name}-${made}`;
}

/** A section under a heading of its own, which names it. */
export function section(name, title, ...children) {
  const id = uniqueId(name);
  return element(
    "section",
    { class: name, "aria-labelledby": id },
    element("h2", { id }, title),
    ...children,
  );
}

function filled(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return node;
}
