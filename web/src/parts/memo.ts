import { Component, h, type ComponentChildren, type FunctionComponent } from "preact";

/** Draws again only when one of its props is another one, so that a busy room pays for what is new and not for what stands there. */
export function memo<P extends object>(Part: FunctionComponent<P>): new (props: P) => Component<P> {
  return class extends Component<P> {
    override shouldComponentUpdate(next: Readonly<P>): boolean {
      const known: P = this.props;
      const keys = Object.keys(next) as (keyof P)[];
      return keys.length !== Object.keys(known).length || keys.some((key) => next[key] !== known[key]);
    }

    override render(): ComponentChildren {
      return h(Part, this.props);
    }
  };
}
