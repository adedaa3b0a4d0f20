/** Which groups that were found belong to a damaged stream, and in which order (vqt.md, section 18). */

/** A group with its place. */
export interface Placed<T> {
  readonly value: T;
  /** Where it begins: a frame or a sample. */
  readonly first: number;
  /** The next one begins there at the earliest, and at the latest if none is missing. */
  readonly leastEnd: number;
  readonly mostEnd: number;
  /** false: its time is so odd that even in the right place it must wait for the next one. */
  readonly sure: boolean;
}

/** So many others pass a group that waits before it is taken to be out of place. */
const PATIENCE = 2;

function before<T>(a: Placed<T>, b: Placed<T>): boolean {
  return a.first !== b.first ? a.first < b.first : a.sure && !b.sure;
}

/** Groups of one kind, pushed as they are found, given in order. */
export class Line<T, R> {
  /** Groups that had no place or couldn't be used. */
  dropped = 0;
  readonly #use: (value: T) => R | null;
  #least = 0;
  #most = 0;
  #early: Placed<T> | null = null;
  #passed = 0;

  /** @param use makes what is given of a group whose turn has come; null leaves its place to another one. */
  constructor(use: (value: T) => R | null) {
    this.#use = use;
  }

  /** Take the next group found; those whose place is known now. */
  push(group: Placed<T>): R[] {
    const early = this.#early;
    this.#early = null;
    if (early === null) return this.#place(group, true, true);
    const [one, two] = before(group, early) ? [group, early] : [early, group];
    return [...this.#place(one, one === group, false), ...this.#place(two, two === group, true)];
  }

  /** What still waits at the end: a group that others have passed is out of place. */
  flush(): R[] {
    const early = this.#early;
    this.#early = null;
    if (early === null) return [];
    if (this.#passed === 0) return this.#take(early);
    this.dropped++;
    return [];
  }

  #place(group: Placed<T>, isNew: boolean, last: boolean): R[] {
    if (group.first < this.#least) this.dropped++;
    else if (!last || (group.first <= this.#most && group.sure)) return this.#take(group);
    else this.#wait(group, isNew);
    return [];
  }

  #wait(group: Placed<T>, isNew: boolean): void {
    this.#passed = isNew ? 0 : this.#passed + 1;
    if (this.#passed > PATIENCE) this.dropped++;
    else this.#early = group;
  }

  #take(group: Placed<T>): R[] {
    const used = this.#use(group.value);
    if (used === null) {
      this.dropped++;
      return [];
    }
    this.#least = group.leastEnd;
    this.#most = group.mostEnd;
    return [used];
  }
}
