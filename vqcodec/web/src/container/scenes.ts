/** The scene around the square: sCNe, its rules and paths (vqt.md, section 7a). */

import { checkUnit } from "./av1.js";
import { Fields, type Range } from "./fields.js";
import { Fault } from "../errors.js";
import * as format from "../format.js";

/** Where the square lies in a sequence's pictures: `x`, `y` and `side` in parts of a pixel. */
export interface ScenePlace {
  readonly widthPx: number;
  readonly heightPx: number;
  readonly x: number;
  readonly y: number;
  readonly side: number;
}

/** What a payload says. */
interface RawScene {
  readonly firstFrame: number;
  readonly number: number;
  readonly alone: boolean;
  readonly backdrop: boolean;
  readonly dependsOn: number | null;
  readonly place: ScenePlace | null;
  readonly unit: Uint8Array;
}

/** A picture that is shown around the square until the next one comes. */
export interface ScenePicture {
  readonly kind: "scene";
  /** The first frame that it is shown with. */
  readonly firstFrame: number;
  /** It is shown without the square: nobody is there. */
  readonly alone: boolean;
  /** It isn't what was around the square. */
  readonly backdrop: boolean;
  readonly place: ScenePlace;
  /** AV1 units along its path, its own the last. */
  readonly units: readonly Uint8Array[];
}

const UINT32: Range = [0, format.MAX_UINT32];
const CORNER: Range = [-2_097_120, 2_097_120];
const SIDE: Range = [format.MIN_SCENE_PX, format.MAX_SCENE_PX];

function readPlace(fields: Fields): ScenePlace {
  const [widthPx, heightPx] = [fields.uint("width_px", 2, SIDE), fields.uint("height_px", 2, SIDE)];
  const [x, y] = [fields.int32("x", CORNER), fields.int32("y", CORNER)];
  const side = fields.uint("side", 4, [1, 65_536]);
  if (widthPx % 2 !== 0 || heightPx % 2 !== 0) throw new Fault("bad-value", "a scene with odd sides");
  if (side > format.MAX_SCENE_SQUARE * format.SCENE_PARTS * Math.max(widthPx, heightPx)) {
    throw new Fault("bad-value", `a square of ${side} parts is too large for its scene`);
  }
  return { widthPx, heightPx, x, y, side };
}

function readScene(payload: Uint8Array): RawScene {
  const fields = new Fields(payload);
  const firstFrame = fields.varint("first_frame", UINT32);
  fields.varint("shot", UINT32);
  const number = fields.varint("number", [0, format.MAX_PORTRAITS - 1]);
  const form = fields.uint("form", 1, [0, 3]);
  const dependsOn = number > 0 ? fields.varint("depends_on", [0, number - 1]) : null;
  const place = number > 0 ? null : readPlace(fields);
  const unit = fields.rest("unit", [1, format.MAX_UNIT_BYTES]);
  checkUnit(unit, number === 0, place === null ? [0, 0] : [place.widthPx, place.heightPx]);
  return { firstFrame, number, alone: (form & 1) !== 0, backdrop: (form & 2) !== 0, dependsOn, place, unit };
}

/** Follows the scene's pictures through a stream. */
export class SceneSequence {
  #place: ScenePlace | null = null;
  readonly #paths = new Map<number, readonly Uint8Array[]>();

  /** What a payload is to show; null where it can't be used, which is no fault of the stream. */
  take(payload: Uint8Array): ScenePicture | null {
    try {
      return this.#picture(readScene(payload));
    } catch (error) {
      if (error instanceof Fault) return null;
      throw error;
    }
  }

  #picture({ firstFrame, number, alone, backdrop, dependsOn, place, unit }: RawScene): ScenePicture | null {
    if (place !== null) {
      this.#place = place;
      this.#paths.clear();
    }
    const before = dependsOn === null ? [] : this.#paths.get(dependsOn);
    if (this.#place === null || before === undefined || before.length >= format.MAX_PATH_UNITS) return null;
    const units = [...before, unit];
    this.#paths.set(number, units);
    return { kind: "scene", firstFrame, alone, backdrop, place: this.#place, units };
  }
}
