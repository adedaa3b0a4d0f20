/** A connection to `vqcodec live`: one request, two channels, and a receiver that they fill. */

import { LiveReceiver } from "./receiver.js";
import { writeReport } from "./wire.js";

const WHOLE = "vqt-whole";
const PARTS = "vqt-parts";
const REPORT_EVERY_MS = 2000;
/** Addresses of one's own are all that is gathered: it takes no longer. */
const GATHERED_WITHIN_MS = 2000;
const HEAD_WITHIN_MS = 30_000;

function nowS(): number {
  return performance.now() / 1000;
}

async function gathered(peer: RTCPeerConnection): Promise<string> {
  await peer.setLocalDescription(await peer.createOffer());
  await new Promise<void>((resolve) => {
    const look = (): void => {
      if (peer.iceGatheringState === "complete") resolve();
    };
    peer.addEventListener("icegatheringstatechange", look);
    setTimeout(resolve, GATHERED_WITHIN_MS);
    look();
  });
  return peer.localDescription?.sdp ?? "";
}

/** The sender's session description for ours; its own words where it refuses. */
async function answered(address: string, sdp: string): Promise<RTCSessionDescriptionInit> {
  const response = await fetch(address, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ type: "offer", sdp }),
  });
  const told = (await response.json().catch(() => ({}))) as { sdp?: string; error?: string };
  if (told.sdp === undefined) throw new Error(told.error ?? `the sender answers ${response.status}`);
  return { type: "answer", sdp: told.sdp };
}

/** An open connection. */
export class LiveConnection {
  readonly receiver = new LiveReceiver();
  readonly #peer = new RTCPeerConnection();
  readonly #failed: (why: string) => void;
  readonly #timer: ReturnType<typeof setInterval>;
  #closed = false;

  private constructor(failed: (why: string) => void) {
    this.#failed = failed;
    const parts = this.#peer.createDataChannel(PARTS, { ordered: false, maxRetransmits: 0 });
    const whole = this.#peer.createDataChannel(WHOLE);
    parts.binaryType = whole.binaryType = "arraybuffer";
    parts.onmessage = ({ data }: MessageEvent<ArrayBuffer>) => this.receiver.packet(new Uint8Array(data), nowS());
    whole.onmessage = ({ data }: MessageEvent<ArrayBuffer>) => this.#take(new Uint8Array(data));
    this.#peer.onconnectionstatechange = () => {
      if (this.#peer.connectionState === "failed") this.#lost();
    };
    parts.onclose = () => this.#lost();
    this.#timer = setInterval(() => {
      if (parts.readyState === "open") parts.send(writeReport(this.receiver.report(nowS())));
    }, REPORT_EVERY_MS);
  }

  /**
   * Connect, and wait for the stream's HEAD.
   *
   * @param failed is told what goes wrong later.
   * @throws Error refused, in the sender's words, or nobody is there.
   */
  static async open(address: string, failed: (why: string) => void): Promise<LiveConnection> {
    const connection = new LiveConnection(failed);
    try {
      const peer = connection.#peer;
      await peer.setRemoteDescription(await answered(address, await gathered(peer)));
      const endMs = performance.now() + HEAD_WITHIN_MS;
      while (connection.receiver.head === null) {
        if (connection.#closed || performance.now() > endMs) throw new Error("nothing comes: is the sender still there?");
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    } catch (error) {
      connection.close();
      throw error;
    }
    return connection;
  }

  /** The time of the stream that is to be shown now; null before the first packet. */
  positionS(): number | null {
    return this.receiver.playout.position(nowS());
  }

  close(): void {
    this.#closed = true;
    clearInterval(this.#timer);
    this.#peer.close();
  }

  #take(bytes: Uint8Array): void {
    try {
      this.receiver.whole(bytes);
    } catch (error) {
      this.#failed(error instanceof Error ? error.message : String(error));
      this.close();
    }
  }

  #lost(): void {
    if (this.#closed) return;
    if (!this.receiver.over) this.#failed("the connection is lost: load the page again");
    this.receiver.over = true;
    this.close();
  }
}
