// A QR code as one SVG path, drawn on this device.

import { encode } from "uqr";

/** The quiet zone of four modules that readers ask for. */
const BORDER = 4;

export function codeOf(text: string): { readonly size: number; readonly path: string } {
  const { data, size } = encode(text, { ecc: "L", border: BORDER });
  let path = "";
  for (const [y, row] of data.entries()) {
    for (const [x, dark] of row.entries()) if (dark) path += `M${x} ${y}h1v1h-1z`;
  }
  return { size, path };
}
