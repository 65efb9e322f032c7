/** The pages of docs/, which are the topics of `chart help`. They lie beside the program: in the package, and in the plugin. */
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface Topic {
  /** `air-gap`, of docs/air-gap.md. */
  readonly name: string;
  /** The page's first heading. */
  readonly title: string;
  readonly text: string;
}

/** As seen from dist/parts/, and from this file. */
const DOCS = ['../../docs', '../../../docs'].map((path) => join(import.meta.dirname, path)).find(existsSync) ?? '';

export async function topicNames(): Promise<string[]> {
  const files = await readdir(DOCS);
  return files.flatMap((file) => (file.endsWith('.md') ? [file.slice(0, -'.md'.length)] : [])).sort();
}

export async function listTopics(): Promise<Topic[]> {
  return Promise.all((await topicNames()).map(readTopic));
}

/** The page of that name; or else the one page whose name has it for a word, as `plugin` is one of `helm-plugin`. */
export function findTopic(names: readonly string[], wanted: string): string | undefined {
  const word = wanted.toLowerCase().replace(/\.md$/, '');
  if (names.includes(word)) return word;
  const found = names.filter((name) => name.split('-').includes(word));
  return found.length === 1 ? found[0] : undefined;
}

export async function readTopic(name: string): Promise<Topic> {
  const text = await readFile(join(DOCS, `${name}.md`), 'utf8');
  return { name, title: /^# (.+)$/m.exec(text)?.[1] ?? name, text };
}
