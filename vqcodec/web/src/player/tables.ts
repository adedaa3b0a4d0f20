/** What `vqcodec web` wrote beside the page: models.json, and the numbers of tables.bin. */

/** A motion space: what the numbers of a stream mean. */
export interface Space {
  readonly name: string;
  /** Hexadecimal. */
  readonly sha256: string;
  /** Numbers of background and torso: 0 or 8. */
  readonly surround: number;
  /** Which of the twelve learned numbers it has. */
  readonly learned: readonly number[];
  /** Size of a unit of each dimension. */
  readonly units: Float32Array;
  /** 956: landmarks, x and y in turns, in 0..1 of the picture. */
  readonly mean: Float32Array;
  /** 36 x 956: what each landmark coefficient adds. */
  readonly components: Float32Array;
  /** K x 2 x 64 x 64: what each field coefficient adds to the flow; empty without a field. */
  readonly flows: Float32Array;
}

/** How landmarks are drawn. */
export interface MapTables {
  readonly side: number;
  /** Of each map but the last: rings of landmarks. */
  readonly filled: readonly (readonly (readonly number[])[])[];
  /** Of the last map. */
  readonly lines: readonly (readonly number[])[];
}

/** Which network is for what. */
export type NetworkName = "restore" | "encode" | "frame-1" | "frame-2";

/** Everything of models.json. */
export interface Models {
  readonly folder: string;
  readonly renderer: { readonly name: string; readonly sha256: string };
  /** File names. */
  readonly networks: Readonly<Record<NetworkName, string>>;
  readonly maps: MapTables;
  /** Units that bring motion, and a portrait's features, to about unit scale. */
  readonly spread: { readonly motion: number; readonly state: number };
  readonly spaces: readonly Space[];
}

interface Place {
  readonly at: number;
  readonly shape: readonly number[];
}

type StoredSpace = Omit<Space, "units" | "mean" | "components" | "flows"> & {
  readonly units: Place;
  readonly mean: Place;
  readonly components: Place;
  readonly flows?: Place;
};

type Stored = Omit<Models, "folder" | "spaces"> & { readonly spaces: readonly StoredSpace[] };

/** A file of the page's own server; what it can't give is told in words. */
export async function fetched(address: string): Promise<Response> {
  const name = new URL(address).pathname.split("/").at(-1) ?? address;
  const response = await fetch(address).catch(() => null);
  if (response === null) throw new Error(`${name} can't be fetched: the server can't be reached`);
  if (!response.ok) throw new Error(`${name} can't be fetched: the server answers ${response.status}`);
  return response;
}

/** The tables of a folder, whose address ends in a slash. */
export async function loadModels(folder: string): Promise<Models> {
  const [stored, bytes] = await Promise.all([
    fetched(`${folder}models.json`).then((answer) => answer.json() as Promise<Stored>),
    fetched(`${folder}tables.bin`).then((answer) => answer.arrayBuffer()),
  ]);
  const numbers = new Float32Array(bytes); // browsers are little-endian, as the file is
  const array = (place?: Place): Float32Array =>
    place ? numbers.subarray(place.at, place.at + place.shape.reduce((a, b) => a * b, 1)) : new Float32Array(0);
  const spaces = stored.spaces.map((space) => ({
    ...space,
    units: array(space.units),
    mean: array(space.mean),
    components: array(space.components),
    flows: array(space.flows),
  }));
  return { ...stored, folder, spaces };
}

/** Bytes in hexadecimal. */
export function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
