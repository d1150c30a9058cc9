/**
 * A gRPC message is written when it has so many bytes, and when the code that sends has come to its end.
 * Not more, so that the other end works on the first part of a burst while the next one is made.
 */
const PACKET_BYTES = 16 * 1024;

/** What may be under way: sent, and not taken by the other end. The last frame may go over it. */
export interface CreditWindow {
  readonly bytes: number;
  /** Records of batches, calls, answers and others. Infinite towards a peer that names no number. */
  readonly messages: number;
}

/** As a `Hello` or a `Welcome` names it. */
export function creditWindow(named: {
  readonly windowBytes: bigint;
  readonly windowMessages: bigint;
}): CreditWindow {
  const messages = Number(named.windowMessages);
  return {
    bytes: Number(named.windowBytes),
    messages: messages === 0 ? Number.POSITIVE_INFINITY : messages,
  };
}

/** Where packets go: a gRPC stream. */
export interface PacketStream {
  /** False: write nothing more until it drains. */
  write(packet: Uint8Array): boolean;
  on(event: "drain", listener: () => void): unknown;
}

/**
 * Collects the frames that are sent in a row into few gRPC messages, and stops when so much is
 * under way that the other end has not taken.
 */
export class PacketWriter {
  readonly #stream: PacketStream;
  readonly #onRoom: () => void;
  #windowBytes: number;
  #windowMessages: number;
  #units: Uint8Array[] = [];
  #unitBytes = 0;
  #isFlushDue = false;
  #isStreamFull = false;
  #sentBytes = 0;
  #takenBytes = 0;
  #sentMessages = 0;
  #takenMessages = 0;

  /** @param onRoom called each time that it takes frames again */
  constructor(stream: PacketStream, window: CreditWindow, onRoom: () => void) {
    this.#stream = stream;
    this.#windowBytes = window.bytes;
    this.#windowMessages = window.messages;
    this.#onRoom = onRoom;
    stream.on("drain", () => {
      this.#isStreamFull = false;
      this.#tellIfRoom();
    });
  }

  /** Of the frames that flow control counts, since the stream began. */
  get sentBytes(): number {
    return this.#sentBytes;
  }

  /** In the frames that flow control counts, since the stream began. */
  get sentMessages(): number {
    return this.#sentMessages;
  }

  /** The other end has not taken them yet. */
  get underWayBytes(): number {
    return this.#sentBytes - this.#takenBytes;
  }

  /** The other end has not taken them yet. */
  get underWayMessages(): number {
    return this.#sentMessages - this.#takenMessages;
  }

  get hasRoom(): boolean {
    return this.hasRoomBeyond(0);
  }

  /** True when it would have room if the window were larger by this share. */
  hasRoomBeyond(share: number): boolean {
    return (
      !this.#isStreamFull &&
      this.underWayBytes < this.#windowBytes * (1 + share) &&
      this.underWayMessages < this.#windowMessages * (1 + share)
    );
  }

  get window(): CreditWindow {
    return { bytes: this.#windowBytes, messages: this.#windowMessages };
  }

  set window({ bytes, messages }: CreditWindow) {
    this.#windowBytes = bytes;
    this.#windowMessages = messages;
  }

  /**
   * Sends a frame that flow control counts. False: no more until `onRoom` is called.
   * @param messages how many are in it
   * @param savedBytes what compression has taken off it, which counts too
   */
  send(unit: Uint8Array, messages: number, savedBytes = 0): boolean {
    this.#sentBytes += unit.byteLength + savedBytes;
    this.#sentMessages += messages;
    this.sendControl(unit);
    return this.hasRoom;
  }

  /** Sends a frame that flow control does not count. */
  sendControl(unit: Uint8Array): void {
    if (this.#unitBytes > 0 && this.#unitBytes + unit.byteLength > PACKET_BYTES) {
      this.flush();
    }
    this.#units.push(unit);
    this.#unitBytes += unit.byteLength;
    if (!this.#isFlushDue) {
      this.#isFlushDue = true;
      // Behind all promises that are settled already, and so behind all that is sent because of them.
      process.nextTick(this.#flushIfDue);
    }
  }

  /** The other end has taken so much since the stream began. Returns false for numbers that cannot be. */
  taken(bytes: number, messages: number): boolean {
    const isTooLittle = bytes < this.#takenBytes || messages < this.#takenMessages;
    if (isTooLittle || bytes > this.#sentBytes || messages > this.#sentMessages) {
      return false;
    }
    if (bytes > this.#takenBytes || messages > this.#takenMessages) {
      this.#takenBytes = bytes;
      this.#takenMessages = messages;
      this.#tellIfRoom();
    }
    return true;
  }

  /** Writes what was collected; to be called before the stream is ended. */
  flush(): void {
    this.#isFlushDue = false;
    const units = this.#units;
    const [first] = units;
    if (first === undefined) {
      return;
    }
    const packet = units.length === 1 ? first : Buffer.concat(units, this.#unitBytes);
    this.#units = [];
    this.#unitBytes = 0;
    if (!this.#stream.write(packet)) {
      this.#isStreamFull = true;
    }
  }

  /** Lets go of what was collected. */
  close(): void {
    this.#isFlushDue = false;
    this.#units = [];
    this.#unitBytes = 0;
  }

  readonly #flushIfDue = (): void => {
    if (this.#isFlushDue) {
      this.flush();
    }
  };

  #tellIfRoom(): void {
    if (this.hasRoom) {
      this.#onRoom();
    }
  }
}
