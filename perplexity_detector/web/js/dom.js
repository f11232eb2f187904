// Creates elements. Text only ever becomes a text node, so it can never become markup.

const SVG = "http://www.w3.org/2000/svg";

/** An HTML element; attributes that are null, undefined or false are omitted. */
export function element(name, attributes = {}, ...children) {
  return fill(document.createElement(name), attributes, children);
}

/** An SVG element. */
export function svg(name, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, name), attributes, children);
}

/** Sets custom properties; a strict Content-Security-Policy forbids style attributes. */
export function withVariables(node, variables) {
  for (const [name, value] of Object.entries(variables)) node.style.setProperty(name, value);
  return node;
}

/** Adds an event listener and returns the node. */
export function on(node, type, listener) {
  node.addEventListener(type, listener);
  return node;
}

let lastId = 0;

/** An id that no other element has. */
export function uniqueId(name) {
  lastId += 1;
  return `${name}-${lastId}`;
}

/** A section labelled by its heading. */
export function section(name, title, ...children) {
  const id = uniqueId(name);
  return element(
    "section",
    { class: name, "aria-labelledby": id },
    element("h2", { id }, title),
    ...children,
  );
}

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return node;
}
