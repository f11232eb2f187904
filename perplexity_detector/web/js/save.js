// Downloads.

import { element } from "./dom.js";

/** Offers a blob to the user as a file of that name. */
export function saveAs(name, blob) {
  const address = URL.createObjectURL(blob);
  const link = element("a", { href: address, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}
