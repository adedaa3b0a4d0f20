/** The model's tables (entropy.md, section 5), as flat arrays. They are part of the build: see tools/prepare.mjs. */

import { MIN_GROUPS } from "../format.js";
import { MOTION_1, MOTION_3_INSTEAD } from "../generated/tables.js";

/** A layer as the files of tables hold it. */
interface Stored {
  readonly activity_thresholds: number[];
  readonly coefficients: number[][];
  readonly start_scale: number[][];
  readonly start_slope: number[];
  readonly scale_weights: number[][];
  readonly first_thresholds: number[];
  readonly scale_thresholds: number[];
  readonly frequencies: number[][][][];
}

/** The tables of one layer. */
export interface LayerTables {
  readonly activityThresholds: Int32Array;
  /** Nine of each kind. */
  readonly coefficients: Int32Array;
  readonly startScale: readonly Int32Array[];
  readonly startSlope: Int32Array;
  /** Six of each state. */
  readonly scaleWeights: Int32Array;
  readonly firstThresholds: Int32Array;
  readonly scaleThresholds: Int32Array;
  readonly combinations: number;
  /** C[1] to C[4] of every row; rows in the order class, combination, phase. */
  readonly sums: Uint16Array;
}

/** Values that mD has for the ranks 0 to 3, as places in a row, which is for -2 to 2. */
const PLACES = [2, 1, 3, 0] as const;

function sumsOf(rows: readonly number[][]): Uint16Array {
  const sums = new Uint16Array(PLACES.length * rows.length);
  rows.forEach((row, i) => {
    let sum = 0;
    PLACES.forEach((place, k) => {
      sum += row[place] as number;
      sums[PLACES.length * i + k] = sum;
    });
  });
  return sums;
}

function flattened(stored: Stored): LayerTables {
  return {
    activityThresholds: Int32Array.from(stored.activity_thresholds),
    coefficients: Int32Array.from(stored.coefficients.flat()),
    startScale: stored.start_scale.map((row) => Int32Array.from(row)),
    startSlope: Int32Array.from(stored.start_slope),
    scaleWeights: Int32Array.from(stored.scale_weights.flat()),
    firstThresholds: Int32Array.from(stored.first_thresholds),
    scaleThresholds: Int32Array.from(stored.scale_thresholds),
    combinations: stored.frequencies[0]?.length ?? 0,
    sums: sumsOf(stored.frequencies.flat(2)),
  };
}

function read(wide: boolean): readonly LayerTables[] {
  const base = JSON.parse(MOTION_1) as Stored[];
  const instead = JSON.parse(MOTION_3_INSTEAD) as Partial<Stored>[];
  return base.map((layer, r) => flattened(wide ? { ...layer, ...instead[r] } : layer));
}

const known = new Map<boolean, readonly LayerTables[]>();

/** The four layers' tables for streams of `groups` groups; read when they are first needed. */
export function tablesFor(groups: number): readonly LayerTables[] {
  const wide = groups > MIN_GROUPS;
  const tables = known.get(wide) ?? read(wide);
  known.set(wide, tables);
  return tables;
}
