/** The picture on the screen as a PNG file, with camera and time written below it, so that a printout says what it shows. */

export interface Shot {
  source: HTMLVideoElement | HTMLCanvasElement | HTMLImageElement;
  channel: number;
  name: string;
  atUs: number;
}

/** Null: nothing is to be seen in it. */
export function sizeOf(source: Shot["source"]): [number, number] | null {
  const [width, height] =
    source instanceof HTMLVideoElement
      ? [source.videoWidth, source.videoHeight]
      : source instanceof HTMLImageElement
        ? [source.naturalWidth, source.naturalHeight]
        : [source.width, source.height];
  return width > 0 && height > 0 ? [width, height] : null;
}

/** `left`, `right`: the two ends of the line below the picture. */
export async function drawShot(shot: Shot, left: string, right: string): Promise<Blob | null> {
  const size = sizeOf(shot.source);
  if (!size) return null;
  const [width, height] = size;
  const line = Math.max(22, Math.round(height / 22));
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [width, height + line];
  const context = canvas.getContext("2d")!;
  context.drawImage(shot.source, 0, 0);
  context.fillStyle = "#000";
  context.fillRect(0, height, width, line);
  context.fillStyle = "#fff";
  context.font = `600 ${Math.round(line * 0.6)}px "Inter Variable", sans-serif`;
  context.textBaseline = "middle";
  const inside = Math.round(line / 3);
  const rightWidth = context.measureText(right).width;
  context.fillText(left, inside, height + line / 2, Math.max(10, width - rightWidth - 3 * inside));
  context.textAlign = "right";
  context.fillText(right, width - inside, height + line / 2);
  return new Promise((done) => canvas.toBlob(done, "image/png"));
}

export function download(picture: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(picture);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
