// What a page remembers. A browser that allows no storage still gets a page that works until it is closed.

class Memory {
  private readonly spare = new Map<string, string>();

  constructor(private readonly area: () => Storage) {}

  recall(key: string): string | null {
    try {
      return this.area().getItem(key);
    } catch {
      return this.spare.get(key) ?? null;
    }
  }

  keep(key: string, value: string): void {
    try {
      this.area().setItem(key, value);
    } catch {
      this.spare.set(key, value);
    }
  }

  forget(key: string): void {
    this.spare.delete(key);
    try {
      this.area().removeItem(key);
    } catch {
      // Nothing was kept there.
    }
  }
}

/** Until this tab is closed: who one is, and the wish that has no answer yet. */
export const tab = new Memory(() => sessionStorage);
/** On this device: the language, the address. */
export const device = new Memory(() => localStorage);
