// Choose a document and its fingerprint stands there; or paste the fingerprint.

import { useState } from "preact/hooks";

import { FILE_BYTES_MAX, canHash, sha256 } from "./hash";

export interface FileHashWords {
  readonly choose: string;
  readonly stays: string;
  readonly hash: string;
  readonly tooLarge: string;
  readonly unsafe: string;
}

export function FileHash(props: { id: string; words: FileHashWords; value: string; wrong?: boolean; onHash: (text: string) => void }) {
  const { id, words } = props;
  const [said, setSaid] = useState("");
  const chosen = async (file: File | undefined): Promise<void> => {
    if (file === undefined) return;
    if (file.size > FILE_BYTES_MAX) return setSaid(words.tooLarge);
    setSaid("");
    props.onHash(await sha256(await file.arrayBuffer()));
  };
  return (
    <>
      <label class="field" for={`${id}-file`}>
        <span>{words.choose}</span>
        <input id={`${id}-file`} type="file" disabled={!canHash()} data-testid={`${id}-file`} onChange={(event) => void chosen(event.currentTarget.files?.[0])} />
        <small data-wrong={said !== "" || !canHash()}>{said !== "" ? said : canHash() ? words.stays : words.unsafe}</small>
      </label>
      <label class="field" for={`${id}-hash`}>
        <span>{words.hash}</span>
        <input
          id={`${id}-hash`}
          data-testid={`${id}-hash`}
          value={props.value}
          autocomplete="off"
          spellcheck={false}
          maxLength={100}
          placeholder="64 × 0-9 a-f"
          aria-invalid={props.wrong === true}
          onInput={(event) => props.onHash(event.currentTarget.value)}
        />
      </label>
    </>
  );
}
