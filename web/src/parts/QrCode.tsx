// A link as a QR code, drawn on this device: no other server may see what it says.

import { useEffect, useState } from "preact/hooks";

type Drawn = { readonly kind: "drawing" | "failed" } | { readonly kind: "drawn"; readonly size: number; readonly path: string };

export function QrCode(props: { link: string; label: string; failed: string }) {
  const { link } = props;
  const [drawn, setDrawn] = useState<Drawn>({ kind: "drawing" });
  useEffect(() => {
    import("./code").then(
      ({ codeOf }) => setDrawn({ kind: "drawn", ...codeOf(link) }),
      () => setDrawn({ kind: "failed" }),
    );
  }, [link]);
  if (drawn.kind !== "drawn") return drawn.kind === "failed" ? <p class="wrong">{props.failed}</p> : <div class="skeleton qr-code" />;
  return (
    <svg class="qr-code" viewBox={`0 0 ${drawn.size} ${drawn.size}`} role="img" aria-label={props.label} data-testid="qr" data-link={link}>
      <path d={drawn.path} />
    </svg>
  );
}
