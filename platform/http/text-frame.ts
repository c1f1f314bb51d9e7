/**
 * A text as the WebSocket frame of a server (RFC 6455, 5.2: final, text, no mask), in one piece. A text that goes to many
 * sockets one after another is encoded once: they share the bytes. ws makes a header and a copy for each of its sockets.
 */

const FINAL_TEXT = 0x81;

let lastText = '';
let lastFrame = encode('');

/** Nobody may write into what it gives. */
export function textFrame(text: string): Buffer {
  // Mostly the same object or one of another length: no character is looked at.
  if (text !== lastText) {
    lastFrame = encode(text);
    lastText = text;
  }
  return lastFrame;
}

function encode(text: string): Buffer {
  const length = Buffer.byteLength(text);
  const head = length < 126 ? 2 : length < 65_536 ? 4 : 10;
  const frame = Buffer.allocUnsafe(head + length);
  frame[0] = FINAL_TEXT;
  if (head === 2) {
    frame[1] = length;
  } else if (head === 4) {
    frame[1] = 126;
    frame.writeUInt16BE(length, 2);
  } else {
    frame[1] = 127;
    frame.writeUInt32BE(0, 2);
    frame.writeUInt32BE(length, 6);
  }
  frame.write(text, head);
  return frame;
}
