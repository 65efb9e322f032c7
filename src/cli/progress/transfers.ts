/** What is on its way, and how far: the figures behind what is drawn. */
import type { CopyEvent } from '../../copy.js';
import type { Digest } from '../../oci/digest.js';
import { RateGauge } from './rate.js';

export interface TransferState {
  readonly name: string;
  /** Bytes. */
  readonly done: number;
  /** Bytes; undefined where it is not known. */
  readonly total: number | undefined;
  /** Bytes a second. */
  readonly rate: number;
  /** Seconds, or undefined where it cannot be told. */
  readonly left: number | undefined;
}

export interface TotalState extends Omit<TransferState, 'name' | 'total'> {
  readonly finished: number;
  /** Undefined where it is not known how many there will be. */
  readonly items: number | undefined;
}

interface Transfer {
  readonly gauge: RateGauge;
  readonly blobs: Map<Digest, { bytes: number; readonly size: number }>;
  own: { readonly done: number; readonly total: number | undefined };
}

export class Transfers {
  readonly #items: number | undefined;
  readonly #active = new Map<string, Transfer>();
  readonly #gauge = new RateGauge();
  #finished = 0;
  #finishedBytes = 0;

  constructor(items: number | undefined) {
    this.#items = items;
  }

  copy(item: string, event: CopyEvent): void {
    if (event.kind === 'manifest-done') return;
    const { blobs } = this.#transfer(item);
    const { digest, size } = event.descriptor;
    if (event.kind === 'blob') blobs.set(digest, { bytes: event.bytes, size });
    // What the other side had is no part of what is to be sent.
    else if (event.skipped) blobs.delete(digest);
    else blobs.set(digest, { bytes: size, size });
  }

  report(item: string, done: number, total: number | undefined): void {
    this.#transfer(item).own = { done, total };
  }

  finish(item: string): void {
    const transfer = this.#active.get(item);
    this.#active.delete(item);
    this.#finished += 1;
    if (transfer) this.#finishedBytes += sizes(transfer).done;
  }

  /** @param time milliseconds, never less than before */
  read(time: number): { readonly transfers: readonly TransferState[]; readonly total: TotalState } {
    const active = [...this.#active].map(([name, { gauge, ...transfer }]) => ({ name, gauge, ...sizes(transfer) }));
    const done = this.#finishedBytes + active.reduce((sum, transfer) => sum + transfer.done, 0);
    this.#gauge.add(time, done);
    // One window for all, so that the rates of the transfers add up to that of the whole.
    const { start } = this.#gauge;
    const transfers = active.map(({ name, gauge, done, total }): TransferState => {
      gauge.add(time, done);
      const rate = gauge.rateSince(start);
      return { name, done, total, rate, left: timeLeft(total === undefined ? undefined : total - done, rate) };
    });
    const { rate } = this.#gauge;
    const left = timeLeft(this.#remaining(transfers), rate);
    return { transfers, total: { finished: this.#finished, items: this.#items, done, rate, left } };
  }

  /** Bytes: of what is under way what is known, of what is to come the average of what has ended or is under way. */
  #remaining(transfers: readonly TransferState[]): number | undefined {
    if (this.#items === undefined) return undefined;
    const waiting = Math.max(0, this.#items - this.#finished - transfers.length);
    if (waiting > 0 && this.#finished === 0) return undefined;
    const totals = transfers.map(({ total }) => total ?? Number.NaN);
    const known = totals.reduce((all, bytes) => all + bytes, this.#finishedBytes);
    const average = known / Math.max(1, this.#finished + transfers.length);
    const sum = transfers.reduce((all, { done }, position) => all + (totals[position] as number) - done, 0);
    return Number.isNaN(sum) ? undefined : sum + waiting * average;
  }

  #transfer(item: string): Transfer {
    const known = this.#active.get(item);
    if (known) return known;
    const transfer: Transfer = { gauge: new RateGauge(), blobs: new Map(), own: { done: 0, total: 0 } };
    this.#active.set(item, transfer);
    return transfer;
  }
}

function sizes({ blobs, own }: Pick<Transfer, 'blobs' | 'own'>): { done: number; total: number | undefined } {
  let { done, total } = own;
  for (const { bytes, size } of blobs.values()) {
    done += bytes;
    if (total !== undefined) total += size;
  }
  return { done, total };
}

function timeLeft(bytes: number | undefined, rate: number): number | undefined {
  return bytes === undefined || rate <= 0 ? undefined : Math.ceil(bytes / rate);
}
