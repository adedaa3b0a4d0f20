/** The worker that draws, so that the page stays alive: orders in, pictures out, one after the other. */

import type { Answer, Order } from "./messages.js";
import { Painter } from "./painter.js";

interface Port {
  postMessage(answer: Answer, transfer: Transferable[]): void;
  addEventListener(type: "message", listener: (event: MessageEvent<Order>) => void): void;
}

const port = globalThis as unknown as Port;
let painter: Painter | null = null;
let last: Promise<void> = Promise.resolve();

function tell(answer: Answer, transfer: Transferable[] = []): void {
  port.postMessage(answer, transfer);
}

async function follow(order: Order): Promise<void> {
  if (order.kind === "open") {
    painter = await Painter.open(order);
    painter.drawing = (how) => tell({ kind: "drawing", how });
    tell({ kind: "ready" });
    tell({ kind: "drawing", how: painter.how });
  } else if (painter === null) {
    tell({ kind: "failed", id: order.id, why: "nothing is open" });
  } else if (order.kind === "prepare") {
    await painter.prepared(order.portrait, true);
    tell({ kind: "prepared", id: order.id });
  } else {
    const picture = await painter.rendered(order);
    tell(picture, [picture.rgba.buffer]);
  }
}

port.addEventListener("message", ({ data }) => {
  last = last
    .then(() => painter?.held)
    .then(() => follow(data))
    .catch((error: unknown) => {
      const why = error instanceof Error ? error.message : String(error);
      tell({ kind: "failed", id: data.kind === "open" ? null : data.id, why });
    });
});
