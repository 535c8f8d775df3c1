// A receipt comes in: dropped, opened, or pasted. It is read here and sent nowhere.

import { useState } from "preact/hooks";

import { Receipt } from "../parts/signs";
import { utf8, type Bytes } from "./bytes";
import { RECEIPT_BYTES_MAX } from "./receipt";
import { verifyText } from "./text";

export function Drop(props: { onBytes: (bytes: Bytes, from: string) => void; onWrong: (why: string) => void }) {
  const v = verifyText.use();
  const [isOver, setOver] = useState(false);
  const [text, setText] = useState("");

  const open = async (file: File | undefined): Promise<void> => {
    if (file === undefined) return;
    try {
      // One byte more than allowed shows that it is too long, without reading a gigabyte.
      props.onBytes(new Uint8Array(await file.slice(0, RECEIPT_BYTES_MAX + 1).arrayBuffer()), v.fromFile(file.name));
    } catch {
      props.onWrong(v.unread);
    }
  };
  return (
    <section class="paper">
      <div
        class="drop"
        data-over={isOver}
        data-testid="drop"
        onDragOver={(event) => {
          event.preventDefault();
          setOver(true);
        }}
        onDragLeave={() => setOver(false)}
        onDrop={(event) => {
          event.preventDefault();
          setOver(false);
          void open(event.dataTransfer?.files[0]);
        }}
      >
        <Receipt />
        <p class="drop-words">{v.drop}</p>
        <label class="primary drop-pick">
          {v.pick}
          <input
            type="file"
            class="unseen"
            data-testid="file"
            accept=".json,.tlog-proof,.txt,application/json,text/plain"
            onChange={(event) => {
              void open(event.currentTarget.files?.[0]);
              event.currentTarget.value = "";
            }}
          />
        </label>
        <p class="hint">{v.dropHint}</p>
      </div>
      <form
        class="drop-paste"
        onSubmit={(event) => {
          event.preventDefault();
          props.onBytes(utf8(text), v.fromText);
        }}
      >
        <label class="field" for="paste">
          <span>{v.paste}</span>
          <textarea id="paste" data-testid="paste" rows={3} spellcheck={false} value={text} onInput={(event) => setText(event.currentTarget.value)} />
        </label>
        <button type="submit" class="quiet" data-testid="paste-go" disabled={text.trim() === ""}>
          {v.pasteGo}
        </button>
      </form>
    </section>
  );
}
