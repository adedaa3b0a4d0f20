/** The keyboard. */

/** What keys do. */
export interface Actions {
  toggle(): void;
  /** Seconds on. */
  jump(seconds: number): void;
  step(frames: number): void;
  toStart(): void;
  toEnd(): void;
  /** 1 the next faster speed, -1 the next slower one. */
  faster(steps: number): void;
  mute(): void;
  screen(): void;
  open(): void;
}

const SKIP_S = 5;
const SHORT_SKIP_S = 1;

function actionOf(key: string, shift: boolean, actions: Actions): (() => void) | null {
  const skip = shift ? SHORT_SKIP_S : SKIP_S;
  const known: Record<string, () => void> = {
    " ": () => actions.toggle(),
    k: () => actions.toggle(),
    ArrowLeft: () => actions.jump(-skip),
    ArrowRight: () => actions.jump(skip),
    ",": () => actions.step(-1),
    ".": () => actions.step(1),
    Home: () => actions.toStart(),
    End: () => actions.toEnd(),
    "<": () => actions.faster(-1),
    ">": () => actions.faster(1),
    m: () => actions.mute(),
    f: () => actions.screen(),
    o: () => actions.open(),
  };
  return known[key] ?? null;
}

/** Listen, but where the focused element has a use of its own for a key. */
export function listen(actions: Actions): void {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const { target } = event;
    const own = target instanceof HTMLSelectElement || (target instanceof HTMLElement && target.tagName === "SUMMARY");
    const pressed = target instanceof HTMLButtonElement && event.key === " ";
    const action = own || pressed ? null : actionOf(event.key, event.shiftKey, actions);
    if (action === null) return;
    event.preventDefault();
    action();
  });
}
