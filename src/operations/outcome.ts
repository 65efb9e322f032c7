/** What became of one item of a command that takes many: one failure does not hide the rest. */
import { type ChartError, isChartError } from '../errors.js';

/** A result, or the error that took its place. */
export type Outcome<Result> =
  | { readonly item: string; readonly result: Result; readonly error?: undefined }
  | { readonly item: string; readonly result?: undefined; readonly error: ChartError };

/** Turns what `work` throws into an outcome; what is not a `ChartError` is a fault of this program and goes on up. */
export async function outcomeOf<Result>(item: string, work: () => Promise<Result>): Promise<Outcome<Result>> {
  try {
    return { item, result: await work() };
  } catch (error) {
    if (isChartError(error) && error.code !== 'CANCELLED') return { item, error };
    throw error;
  }
}
